// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Collects the head of an HTTP/1.1 message, the start line and the header section, and takes it apart.
///
/// Stricter than HTTP asks for: lines end with CR LF and nothing else, there are no folded lines and no control
/// characters, so that no proxy in front can read the same bytes differently. Validates each byte as it arrives.
struct HeadReader: Sendable {
    /// A head taken apart.
    struct Head: Sendable, Hashable {
        let startLine: String
        let fields: HeaderFields
    }

    private let limits: HeadLimits
    private var scan: Scan
    private var scanned = 0
    private var bytes = ByteBuffer()
    /// Where the head starts in `bytes`, which may be a slice that was read from before.
    private var start = 0

    init(limits: HeadLimits) {
        self.limits = limits
        self.scan = Scan(maxFields: limits.fields)
    }

    /// Takes bytes of the peer.
    ///
    /// Returns the head once it is there, and ``rest`` then holds what came after it.
    mutating func receive(_ more: consuming ByteBuffer) throws(HeadFault) -> Head? {
        if bytes.readableBytes == 0 {
            bytes = more
            start = bytes.readerIndex
        } else {
            bytes.writeBuffer(&more)
        }
        var scan = scan
        let end = try scan.end(in: bytes.readableBytesUInt8Span, from: scanned, before: limits.bytes)
        self.scan = scan
        guard let end else {
            scanned = bytes.readableBytes
            guard scanned <= limits.bytes else { throw .tooLarge(limit: limits.bytes) }
            return nil
        }
        return try takeHead(length: end)
    }

    /// The bytes that came after the head.
    var rest: ByteBuffer { bytes.slice() }

    /// All bytes received, the head included.
    var everything: ByteBuffer {
        var everything = bytes
        everything.moveReaderIndex(to: start)
        return everything
    }

    private mutating func takeHead(length: Int) throws(HeadFault) -> Head {
        let head = bytes.readBytes(length: length) ?? []
        scanned = 0
        var startLine = ""
        var fields: [HeaderFields.Field] = []
        fields.reserveCapacity(max(0, scan.lines - 1))
        var lineStart = 0
        var number = 0
        while lineStart < head.count - 2 {
            // Every CR in the head is followed by LF: the scan saw to it.
            let lineEnd = head[lineStart...].firstIndex(of: .carriageReturn) ?? head.count
            let line = head[lineStart..<lineEnd]
            if number == 0 {
                startLine = String(decoding: line, as: UTF8.self)
            } else if let field = Self.field(line) {
                fields.append(field)
            } else {
                throw .malformedField(number: number)
            }
            number += 1
            lineStart = lineEnd + 2
        }
        return Head(startLine: startLine, fields: HeaderFields(fields))
    }

    /// Splits a header line.
    ///
    /// No blank may precede the colon (RFC 9112 §5.1).
    private static func field(_ line: ArraySlice<UInt8>) -> HeaderFields.Field? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let name = line[..<colon]
        guard !name.isEmpty, name.allSatisfy(\.isTokenCharacter) else { return nil }
        var value = line[(colon + 1)...]
        while let first = value.first, first == .space || first == .tab { value.removeFirst() }
        while let last = value.last, last == .space || last == .tab { value.removeLast() }
        return HeaderFields.Field(
            name: String(decoding: name, as: UTF8.self).lowercased(),
            value: String(decoding: value, as: UTF8.self)
        )
    }
}

/// Looks for the end of a head, validating each byte as it arrives.
private struct Scan: Sendable {
    private enum State: Sendable {
        /// Inside a line. → `carriageReturn`
        case line
        /// After the CR that ends a line. → `lineStart`
        case carriageReturn
        /// After a line. → `line`, `lastCarriageReturn`
        case lineStart
        /// After the CR of the empty line. Leads to the end of the head.
        case lastCarriageReturn
    }

    private let maxFields: Int
    private var state = State.line
    /// Lines that have ended.
    private(set) var lines = 0

    init(maxFields: Int) {
        self.maxFields = maxFields
    }

    /// Takes the bytes from an index on, up to a limit, and returns the index after the head once its end is there.
    mutating func end(in bytes: Span<UInt8>, from start: Int, before limit: Int) throws(HeadFault) -> Int? {
        var index = start
        let last = min(bytes.count, limit)
        while index < last {
            let byte = bytes[index]
            index += 1
            if try take(byte) { return index }
        }
        return nil
    }

    /// Takes the next byte.
    ///
    /// Returns whether the head ends with it.
    private mutating func take(_ byte: UInt8) throws(HeadFault) -> Bool {
        switch state {
        case .line:
            try takeInLine(byte)
        case .carriageReturn:
            guard byte == .lineFeed else { throw .bareLineBreak }
            lines += 1
            guard lines <= maxFields + 1 else {
                throw .tooManyFields(limit: maxFields)
            }
            state = .lineStart
        case .lineStart:
            switch byte {
            case .carriageReturn:
                state = .lastCarriageReturn
            case .space, .tab:
                // RFC 9112 §5.2 lets a server refuse obs-fold.
                throw .foldedField
            default:
                state = .line
                try takeInLine(byte)
            }
        case .lastCarriageReturn:
            guard byte == .lineFeed else { throw .bareLineBreak }
            return true
        }
        return false
    }

    private mutating func takeInLine(_ byte: UInt8) throws(HeadFault) {
        switch byte {
        case .carriageReturn: state = .carriageReturn
        case .lineFeed: throw .bareLineBreak
        case .tab, 0x20...0x7E, 0x80...: break
        default: throw .controlCharacter(byte)
        }
    }
}

extension UInt8 {
    fileprivate static let tab: UInt8 = 0x09
    fileprivate static let lineFeed: UInt8 = 0x0A
    fileprivate static let carriageReturn: UInt8 = 0x0D
    fileprivate static let space: UInt8 = 0x20
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Collects the head of an HTTP/1.1 message, the start line and the header section, and takes it apart.
///
/// Stricter than HTTP asks for: lines end with CR LF and nothing else, there are no folded lines and no control
/// characters, so that no proxy in front can read the same bytes differently. Judges each byte as it comes.
struct HeadReader: Sendable {
    /// A head taken apart.
    struct Head: Sendable, Hashable {
        let startLine: String
        let fields: HeaderFields
    }

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

    private let limits: HeadLimits
    private var state = State.line
    private var lines = 0
    private var scanned = 0
    private var bytes = ByteBuffer()
    /// Where the head starts in `bytes`, which may be a slice that was read from before.
    private var start = 0

    init(limits: HeadLimits) {
        self.limits = limits
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
        while scanned < bytes.readableBytes {
            guard scanned < limits.bytes else {
                throw .tooLarge(limit: limits.bytes)
            }
            guard let byte = bytes.getInteger(at: bytes.readerIndex + scanned, as: UInt8.self) else { return nil }
            scanned += 1
            if try scan(byte) {
                return try takeHead()
            }
        }
        return nil
    }

    /// The bytes that came after the head.
    var rest: ByteBuffer { bytes.slice() }

    /// All bytes received, the head included.
    var everything: ByteBuffer {
        var everything = bytes
        everything.moveReaderIndex(to: start)
        return everything
    }

    /// Takes the next byte.
    ///
    /// Returns whether the head ends with it.
    private mutating func scan(_ byte: UInt8) throws(HeadFault) -> Bool {
        switch state {
        case .line:
            try scanInLine(byte)
        case .carriageReturn:
            guard byte == .lineFeed else { throw .bareLineBreak }
            lines += 1
            guard lines <= limits.fields + 1 else {
                throw .tooManyFields(limit: limits.fields)
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
                try scanInLine(byte)
            }
        case .lastCarriageReturn:
            guard byte == .lineFeed else { throw .bareLineBreak }
            return true
        }
        return false
    }

    private mutating func scanInLine(_ byte: UInt8) throws(HeadFault) {
        switch byte {
        case .carriageReturn: state = .carriageReturn
        case .lineFeed: throw .bareLineBreak
        case .tab, 0x20...0x7E, 0x80...: break
        default: throw .controlCharacter(byte)
        }
    }

    private mutating func takeHead() throws(HeadFault) -> Head {
        let head = bytes.readBytes(length: scanned) ?? []
        scanned = 0
        // Every CR in the head is followed by LF: `scan` saw to it.
        let lines = head.dropLast(4).split(separator: .carriageReturn, omittingEmptySubsequences: false)
        var fields: [HeaderFields.Field] = []
        fields.reserveCapacity(lines.count)
        for (number, line) in lines.dropFirst().enumerated() {
            guard let field = Self.field(line.dropFirst()) else {
                throw .malformedField(number: number + 1)
            }
            fields.append(field)
        }
        return Head(startLine: String(decoding: lines.first ?? [], as: UTF8.self), fields: HeaderFields(fields))
    }

    /// Splits a header line.
    ///
    /// No blank may stand before the colon (RFC 9112 §5.1).
    private static func field(_ line: ArraySlice<UInt8>) -> HeaderFields.Field? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let name = line[..<colon]
        guard !name.isEmpty, name.allSatisfy(\.isTokenCharacter) else { return nil }
        return HeaderFields.Field(
            name: String(decoding: name, as: UTF8.self).lowercased(),
            value: String(String(decoding: line[(colon + 1)...], as: UTF8.self).trimmed)
        )
    }
}

extension UInt8 {
    fileprivate static let tab: UInt8 = 0x09
    fileprivate static let lineFeed: UInt8 = 0x0A
    fileprivate static let carriageReturn: UInt8 = 0x0D
    fileprivate static let space: UInt8 = 0x20
}

// SPDX-License-Identifier: Apache-2.0

/// Finds the end of the head of an HTTP/1.1 message, which is the start line and the header section.
///
/// Stricter than HTTP requires: lines end with CR LF and nothing else, there are no folded lines and no control
/// characters, so that no proxy in front can read the same bytes differently. Validates each byte once, as it arrives,
/// so that a bad head is refused before its end, and the cost of an endless one is linear.
package struct HeadScanner: Sendable, Equatable {
    private enum State: Sendable, Equatable {
        case line
        /// After a CR.
        case carriageReturn
        /// After CR LF.
        case lineStart
        /// After CR LF CR.
        case lastCarriageReturn
    }

    private let limits: HeadLimits
    private var state = State.line
    private var scanned = 0
    /// Lines that have ended.
    private var lines = 0

    package init(limits: HeadLimits) {
        self.limits = limits
    }

    /// Continues the scan. The bytes begin with those already scanned.
    /// - Returns: The length of the head including its last CR LF; nil if more bytes are needed.
    package mutating func scan(_ bytes: Span<UInt8>) throws(HeadFault) -> Int? {
        let end = min(bytes.count, self.limits.bytes)
        var index = self.scanned
        var state = self.state
        while index < end {
            let byte = bytes[index]
            index += 1
            switch state {
            case .line:
                // Most bytes are printable or not ASCII.
                var byte = byte
                while byte >= 0x20, byte != 0x7F, index < end {
                    byte = bytes[index]
                    index += 1
                }
                if byte < 0x20 || byte == 0x7F { state = try Self.control(byte) }
            case .carriageReturn:
                guard byte == .lineFeed else { throw .bareLineBreak }
                self.lines += 1
                guard self.lines - 1 <= self.limits.fields else { throw .tooManyFields(limit: self.limits.fields) }
                state = .lineStart
            case .lineStart:
                switch byte {
                case .carriageReturn: state = .lastCarriageReturn
                // RFC 9112 §5.2 lets a server refuse obs-fold.
                case .blank, .tab: throw .foldedField
                default: state = byte >= 0x20 && byte != 0x7F ? .line : try Self.control(byte)
                }
            case .lastCarriageReturn:
                guard byte == .lineFeed else { throw .bareLineBreak }
                return index
            }
        }
        guard bytes.count < self.limits.bytes else { throw .tooLarge(limit: self.limits.bytes) }
        self.scanned = index
        self.state = state
        return nil
    }

    private static func control(_ byte: UInt8) throws(HeadFault) -> State {
        switch byte {
        case .carriageReturn: return .carriageReturn
        case .tab: return .line
        case .lineFeed: throw .bareLineBreak
        default: throw .controlCharacter(byte)
        }
    }
}

/// The lines of a head that a ``HeadScanner`` has validated.
extension Span<UInt8> {
    /// The line that begins here, without its CR LF; advances to the next one.
    package func headLine(from index: inout Int) -> Range<Int> {
        let start = index
        while index < self.count, self[index] != .carriageReturn { index += 1 }
        defer { index = Swift.min(self.count, index + 2) }
        return start..<index
    }

    /// The name and the value of a header line; nil without a colon, or if the name is not a token. No blank may precede
    /// the colon (RFC 9112 §5.1).
    package func headerField(in line: Range<Int>) -> (name: Range<Int>, value: Range<Int>)? {
        var colon = line.lowerBound
        while colon < line.upperBound, self[colon] != UInt8(ascii: ":") {
            guard self[colon].isTokenCharacter else { return nil }
            colon += 1
        }
        guard colon > line.lowerBound, colon < line.upperBound else { return nil }
        var (start, end) = (colon + 1, line.upperBound)
        while start < end, self[start] == .blank || self[start] == .tab { start += 1 }
        while end > start, self[end - 1] == .blank || self[end - 1] == .tab { end -= 1 }
        return (line.lowerBound..<colon, start..<end)
    }

    package func text(in range: Range<Int>) -> String {
        unsafe self.extracting(range).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension UInt8 {
    @inlinable package static var tab: UInt8 { 0x09 }
    @inlinable package static var lineFeed: UInt8 { 0x0A }
    @inlinable package static var carriageReturn: UInt8 { 0x0D }
    @inlinable package static var blank: UInt8 { 0x20 }

    /// Whether the byte may be in a `token` of RFC 9110 §5.6.2. A bit set, because every byte of every name is tested.
    package var isTokenCharacter: Bool {
        let bits: UInt64 = self < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return self < 128 && bits >> (self & 63) & 1 == 1
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Finds the end of a request's head and detects invalid bytes in it.
///
/// Validates each byte once, as it arrives, so that a bad head is refused before its end, and the cost of an endless
/// one is linear.
struct HeadLines: Sendable, Equatable {
    private enum State: Sendable, Equatable {
        case line
        /// After a CR.
        case carriageReturn
        /// After CR LF.
        case lineStart
        /// After CR LF CR.
        case lastCarriageReturn
    }

    private var state = State.line
    private var scanned = 0

    /// Continues the scan. The bytes begin with those already scanned.
    /// - Parameter limit: Maximum size of the head, in bytes.
    /// - Returns: The length of the head including its last CR LF; nil if more bytes are needed.
    mutating func scan(_ bytes: Span<UInt8>, limit: Int) throws(RequestFault) -> Int? {
        let end = min(bytes.count, limit)
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
                state = .lineStart
            case .lineStart:
                switch byte {
                case .carriageReturn: state = .lastCarriageReturn
                case .blank, .tab: throw .foldedField
                default: state = byte >= 0x20 && byte != 0x7F ? .line : try Self.control(byte)
                }
            case .lastCarriageReturn:
                guard byte == .lineFeed else { throw .bareLineBreak }
                return index
            }
        }
        guard bytes.count < limit else { throw .headTooLarge(limit: limit) }
        self.scanned = index
        self.state = state
        return nil
    }

    private static func control(_ byte: UInt8) throws(RequestFault) -> State {
        switch byte {
        case .carriageReturn: return .carriageReturn
        case .tab: return .line
        case .lineFeed: throw .bareLineBreak
        default: throw .controlCharacter(byte)
        }
    }
}

extension UInt8 {
    static var tab: UInt8 { 0x09 }
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }
    static var blank: UInt8 { 0x20 }
}

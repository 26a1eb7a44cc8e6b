// SPDX-License-Identifier: Apache-2.0

import WebSocket

/// Finds the end of a chunked body (RFC 9112 §7.1). Sizes are plain hexadecimal numbers, extensions are ignored within
/// a limit, and trailer fields are refused.
struct ChunkReader: Sendable, Equatable {
    private enum State: Sendable, Equatable {
        /// In the digits of a size.
        case size(digits: Int)
        /// In an extension, after a semicolon.
        case chunkExtension
        /// After the CR of a size's line.
        case sizeEnd
        case data(left: Int)
        /// Before the CR after a chunk's data.
        case dataEnd
        /// Before the LF after a chunk's data.
        case dataLineFeed
        /// After the last chunk's line, before the CR of the empty line.
        case trailer
        /// Before the LF of the empty line.
        case lastLineFeed
        /// Final.
        case end
    }

    /// Maximum number of digits of a size: 4 GiB, far more than the maximum body size.
    private static let mostDigits = 8
    /// Maximum size of all extensions of one body, in bytes.
    private static let extensionBytes = 1024

    private var state = State.size(digits: 0)
    private var size = 0
    private var extensionsLeft = Self.extensionBytes

    var isAtEnd: Bool { self.state == .end }

    /// Consumes the bytes that belong to the body.
    /// - Returns: Their number: all, unless the body ends within them.
    mutating func scan(_ bytes: Span<UInt8>) throws(RequestFault) -> Int {
        var index = 0
        while index < bytes.count, self.state != .end {
            if case .data(let left) = self.state {
                let count = min(left, bytes.count - index)
                index += count
                self.state = count == left ? .dataEnd : .data(left: left - count)
            } else {
                try self.take(bytes[index])
                index += 1
            }
        }
        return index
    }

    private mutating func take(_ byte: UInt8) throws(RequestFault) {
        switch self.state {
        case .size(let digits):
            if let value = byte.hexadecimalValue {
                guard digits < Self.mostDigits else { throw .chunk }
                self.size = self.size << 4 | value
                self.state = .size(digits: digits + 1)
            } else {
                guard digits > 0 else { throw .chunk }
                self.state = try self.afterSize(byte)
            }
        case .chunkExtension:
            self.extensionsLeft -= 1
            guard self.extensionsLeft > 0 else { throw .chunk }
            if byte == .carriageReturn {
                self.state = .sizeEnd
            } else {
                guard byte >= 0x20 && byte != 0x7F || byte == .tab else { throw .chunk }
            }
        case .sizeEnd:
            guard byte == .lineFeed else { throw .chunk }
            self.state = self.size == 0 ? .trailer : .data(left: self.size)
        case .dataEnd:
            guard byte == .carriageReturn else { throw .chunk }
            self.state = .dataLineFeed
        case .dataLineFeed:
            guard byte == .lineFeed else { throw .chunk }
            self.size = 0
            self.state = .size(digits: 0)
        case .trailer:
            guard byte == .carriageReturn else { throw .trailer }
            self.state = .lastLineFeed
        case .lastLineFeed:
            guard byte == .lineFeed else { throw .chunk }
            self.state = .end
        case .data, .end:
            break
        }
    }

    private func afterSize(_ byte: UInt8) throws(RequestFault) -> State {
        switch byte {
        case .carriageReturn: return .sizeEnd
        case UInt8(ascii: ";"): return .chunkExtension
        default: throw .chunk
        }
    }
}

extension UInt8 {
    fileprivate var hexadecimalValue: Int? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(self - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(self - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(self - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}

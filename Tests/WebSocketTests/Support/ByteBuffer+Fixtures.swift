// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import TestSupport

extension ByteBuffer: @retroactive ExpressibleByStringLiteral {
    /// Creates a buffer with the UTF-8 of a text.
    public init(stringLiteral value: String) {
        self.init(string: value)
    }
}

extension ByteBuffer {
    /// Creates a buffer of hexadecimal digits; blanks are for the reader.
    init(hex: String) {
        let digits = hex.filter { $0 != " " }.compactMap(\.hexDigitValue)
        self.init(bytes: stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
    }

    /// The readable bytes as text.
    var text: String { String(buffer: self) }

    /// The readable bytes.
    var array: [UInt8] { Array(readableBytesView) }

    /// Returns this many letters.
    static func a(_ count: Int) -> ByteBuffer {
        ByteBuffer(repeating: 0x61, count: count)
    }
}

extension SplitMix {
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }
}

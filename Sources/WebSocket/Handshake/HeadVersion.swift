// SPDX-License-Identifier: Apache-2.0

/// The versions of HTTP as far as they matter here.
package enum HeadVersion: Sendable, Hashable {
    /// 1.1, or a later 1.x.
    case oneDotOne
    /// Any other.
    case other

    /// Reads `HTTP/digit.digit`.
    init?(_ text: Substring) {
        let bytes = Array(text.utf8)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), digits.contains(bytes[5]),
            bytes[6] == UInt8(ascii: "."), digits.contains(bytes[7])
        else {
            return nil
        }
        self = bytes[5] == UInt8(ascii: "1") && bytes[7] != UInt8(ascii: "0") ? .oneDotOne : .other
    }
}

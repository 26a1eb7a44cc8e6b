// SPDX-License-Identifier: Apache-2.0

import Crypto
import JSON

/// SHA-256 over what a publisher said: type, keys, the time if it gave one, and the compact data.
package struct Fingerprint: Hashable, Sendable {
    /// 32 bytes.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Each part goes in with its length in front, so that no two different lists of parts read the same.
    package init(type: String, keys: [String], time: Timestamp?, data: [UInt8]) {
        // Hashed in one go: the hash function is much slower to feed than the array.
        var text: [UInt8] = []
        text.reserveCapacity(data.count + 256)
        Self.add(type, to: &text)
        for key in keys {
            Self.add(key, to: &text)
        }
        Self.add(time.map { String($0.nanoseconds) } ?? "", to: &text)
        Self.addLength(data.count, to: &text)
        text.append(contentsOf: data)
        self.bytes = unsafe SHA256.hash(data: text).withUnsafeBytes { unsafe Array($0) }
    }

    private static func add(_ part: String, to text: inout [UInt8]) {
        Self.addLength(part.utf8.count, to: &text)
        text.append(string: part)
    }

    private static func addLength(_ length: Int, to text: inout [UInt8]) {
        text.append(decimal: length)
        text.append(UInt8(ascii: ":"))
    }
}

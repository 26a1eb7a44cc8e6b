// SPDX-License-Identifier: Apache-2.0

import Crypto
import JSON

/// SHA-256 of what the publisher sent: type, keys, time if given, and the compact data.
package struct Fingerprint: Hashable, Sendable {
    /// 32 bytes.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Each part is preceded by its length, so that two different lists of parts never produce the same input.
    package init(type: String, keys: [String], time: Timestamp?, data: [UInt8]) {
        // Hashed in one call: feeding the hash function in parts is much slower than building the array.
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

// SPDX-License-Identifier: Apache-2.0

import Crypto

/// SHA-256 over what a publisher said: type, keys, the time if it gave one, and the compact data.
package struct Fingerprint: Hashable, Sendable {
    /// 32 bytes.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Each part goes in with its length in front, so that no two different lists of parts read the same.
    package init(type: String, keys: [String], time: Timestamp?, data: [UInt8]) {
        var hash = SHA256()
        Self.add(Array(type.utf8), to: &hash)
        for key in keys {
            Self.add(Array(key.utf8), to: &hash)
        }
        Self.add(time.map { Array(String($0.nanoseconds).utf8) } ?? [], to: &hash)
        Self.add(data, to: &hash)
        self.bytes = Array(hash.finalize())
    }

    private static func add(_ part: [UInt8], to hash: inout SHA256) {
        hash.update(data: Array("\(part.count):".utf8))
        hash.update(data: part)
    }
}

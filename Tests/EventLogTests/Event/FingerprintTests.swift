// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

@Suite struct FingerprintTests {
    private static let time = Timestamp(nanoseconds: 1)
    private static let base = Fingerprint(type: "t", keys: ["a", "b"], time: time, data: Array("{}".utf8))

    @Test func sameContentHasTheSameFingerprint() {
        #expect(Fingerprint(type: "t", keys: ["a", "b"], time: Self.time, data: Array("{}".utf8)) == Self.base)
        #expect(Self.base.bytes.count == 32)
        #expect(Fingerprint(bytes: Self.base.bytes) == Self.base)
    }

    @Test(arguments: [
        Fingerprint(type: "u", keys: ["a", "b"], time: time, data: Array("{}".utf8)),
        Fingerprint(type: "t", keys: ["a"], time: time, data: Array("{}".utf8)),
        Fingerprint(type: "t", keys: ["b", "a"], time: time, data: Array("{}".utf8)),
        Fingerprint(type: "t", keys: ["ab"], time: time, data: Array("{}".utf8)),
        Fingerprint(type: "t", keys: ["a", "b"], time: nil, data: Array("{}".utf8)),
        Fingerprint(type: "t", keys: ["a", "b"], time: Timestamp(nanoseconds: 2), data: Array("{}".utf8)),
        Fingerprint(type: "t", keys: ["a", "b"], time: time, data: Array("{ }".utf8)),
        Fingerprint(type: "t", keys: ["a", "b", "1"], time: nil, data: Array("{}".utf8)),
        Fingerprint(type: "t1:a", keys: ["b"], time: time, data: Array("{}".utf8)),
    ])
    func otherContentHasAnother(other: Fingerprint) {
        #expect(other != Self.base)
    }

    /// Stored in databases: SHA-256 over `length:part` of each part, computed independently.
    @Test(arguments: [
        ("be4459773e8b353c8df85d20bda68db1bd58a8b6160340aa74da9d866176536c", ["a", "éb"], Timestamp(nanoseconds: 1)),
        ("64b9507324a2797fe074ea103bf4d909355ebc5b2b3ebffc93ae1591985c526d", ["a"], nil),
        ("300e46be498cfdb299b98d42808d4318ffe22239e00ccb8f14cba1bef6b7d29d", ["a"], Timestamp(nanoseconds: .min)),
    ])
    func bytesNeverChange(hex: String, keys: [String], time: Timestamp?) {
        let fingerprint = Fingerprint(type: "t", keys: keys, time: time, data: Array("{}".utf8))
        let digits = fingerprint.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        #expect(digits.joined() == hex)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Hub
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
}

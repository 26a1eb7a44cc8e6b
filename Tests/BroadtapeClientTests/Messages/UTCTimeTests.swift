// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BroadtapeClient

struct UTCTimeTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600_000_000_000),
            ("2026-11-20T16:00:00.5Z", 1_795_190_400_500_000_000),
            ("2026-11-20T18:00:00+02:00", 1_795_190_400_000_000_000),
            ("2026-11-20t10:30:00-05:30", 1_795_190_400_000_000_000),
            ("1969-12-31T23:59:59.000000001Z", -999_999_999),
            ("2021-07-22T01:13:23.8469708Z", 1_626_916_403_846_970_800),
            ("1678-01-01T00:00:00Z", -9_214_560_000_000_000_000),
        ] as [(String, Int64)]
    )
    func timesAreRead(text: String, nanoseconds: Int64) throws {
        let time = try #require(UTCTime(text))
        #expect(time.nanoseconds == nanoseconds)
        #expect(UTCTime(time.description) == time)
    }

    @Test(arguments: [
        "", "2026", "2026-11-20", "2026-11-20T16:00:00", "2026-13-20T16:00:00Z", "2026-11-20T24:00:00Z",
        "2026-11-20T16:00:00.Z", "2026-11-20T16:00:00Zx", "2026-11-20T16:00:00+2:00", "1677-01-01T00:00:00Z",
        "é026-11-20T16:00:00Z",
    ])
    func othersAreNot(_ text: String) {
        #expect(UTCTime(text) == nil)
    }

    @Test func tokensAreRefreshedBeforeTheyExpire() {
        let now = 1_795_190_400_000
        #expect(Expiry.refreshDelay(expires: "2026-11-20T17:00:00Z", now: now) == 3_570_000)
        #expect(Expiry.refreshDelay(expires: "2026-11-20T16:00:10Z", now: now) == 8_000)
        #expect(Expiry.refreshDelay(expires: "2026-11-20T16:00:00Z", now: now) == nil)
        #expect(Expiry.refreshDelay(expires: "soon", now: now) == nil)
    }
}

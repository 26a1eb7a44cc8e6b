// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@Suite struct TimestampTests {
    private static let second: Int64 = 1_000_000_000

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_000, "1970-01-01T00:00:00.000001Z"),
        (1_000_000, "1970-01-01T00:00:00.001Z"),
        (120_000_000, "1970-01-01T00:00:00.120Z"),
        (123_456_000, "1970-01-01T00:00:00.123456Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-1_000_000_000, "1969-12-31T23:59:59Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
        (951_868_800_000_000_000, "2000-03-01T00:00:00Z"),
        (1_700_000_000_000_000_000, "2023-11-14T22:13:20Z"),
        (1_709_164_800_000_000_000, "2024-02-29T00:00:00Z"),
        (1_795_190_400_000_000_000, "2026-11-20T16:00:00Z"),
        (4_107_542_399_000_000_000, "2100-02-28T23:59:59Z"),
        (4_107_542_400_000_000_000, "2100-03-01T00:00:00Z"),
        (-2_203_891_200_000_000_000, "1900-03-01T00:00:00Z"),
        (Int64.max, "2262-04-11T23:47:16.854775807Z"),
    ])
    func timesAreWrittenAndReadAsRFC3339(nanoseconds: Int64, text: String) {
        #expect(Timestamp(nanoseconds: nanoseconds).description == text)
        #expect(Timestamp(rfc3339: text)?.nanoseconds == nanoseconds)
    }

    @Test func lowestTimeIsWrittenAndRead() {
        let lowest = Timestamp(nanoseconds: .min)
        #expect(lowest.description == "1677-09-21T00:12:43.145224192Z")
        #expect(Timestamp(rfc3339: lowest.description) == lowest)
    }

    @Test(arguments: [
        ("2026-11-20T16:00:00+00:00", "2026-11-20T16:00:00Z"),
        ("2026-11-20T16:00:00-00:00", "2026-11-20T16:00:00Z"),
        ("2026-11-20T16:00:00+03:30", "2026-11-20T12:30:00Z"),
        ("2026-11-20T16:00:00-08:00", "2026-11-21T00:00:00Z"),
        ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"),
        ("2024-02-29T23:30:00-23:59", "2024-03-01T23:29:00Z"),
        ("2026-11-20t16:00:00z", "2026-11-20T16:00:00Z"),
        ("2026-11-20 16:00:00Z", "2026-11-20T16:00:00Z"),
        ("2026-11-20T16:00:00.5Z", "2026-11-20T16:00:00.500Z"),
        ("2026-11-20T16:00:00.000000000Z", "2026-11-20T16:00:00Z"),
        ("2026-11-20T16:00:00.1234567891234567890123Z", "2026-11-20T16:00:00.123456789Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("1972-06-30T23:59:60.25Z", "1972-07-01T00:00:00.250Z"),
    ])
    func otherSpellingsAreRead(text: String, meaning: String) {
        #expect(Timestamp(rfc3339: text)?.description == meaning)
    }

    @Test(arguments: [
        "", "Z", "2026", "2026-11-20", "2026-11-20T16:00:00", "2026-11-20T16:00Z", "2026-11-20T16:00:00.Z",
        "2026-11-20T16:00:00,5Z", "2026-11-20T24:00:00Z", "2026-11-20T16:60:00Z", "2026-11-20T16:00:61Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2026-11-20T16:00:00+0300", "2026-11-20T16:00:00+3:00", "2026-11-20T16:00:00+24:00",
        "2026-11-20T16:00:00+03:60", "2026-11-20T16:00:00Zx", "2026-11-20T16:00:00 Z", " 2026-11-20T16:00:00Z",
        "+2026-11-20T16:00:00Z", "26-11-20T16:00:00Z", "2026-1-20T16:00:00Z", "２０26-11-20T16:00:00Z",
        "2026-11-20T16:00:00.-5Z", "1677-09-21T00:12:42Z", "2262-04-11T23:47:17Z", "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z", "2262-04-11T23:47:16.854775808Z",
    ])
    func otherTextIsNoTime(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomTimesReadBack(seed: UInt64) {
        var dice = SplitMix(seed: seed)
        for _ in 0..<5_000 {
            var nanoseconds = Int64.random(in: (.min + Self.second) ... .max, using: &dice)
            let grains: [Int64] = [1, 1_000, 1_000_000, Self.second]
            let grain = grains.randomElement(using: &dice) ?? 1
            nanoseconds -= nanoseconds % grain
            let time = Timestamp(nanoseconds: nanoseconds)
            guard Timestamp(rfc3339: time.description) == time else {
                Issue.record("\(nanoseconds) was written as \(time)")
                return
            }
        }
        #expect(dice.state != seed)
    }

    @Test func everyDayOfFourHundredYearsFollowsTheLast() throws {
        var time = try #require(Timestamp(rfc3339: "1801-01-01T00:00:00Z"))
        var (year, month, day) = (1801, 1, 1)
        while year < 2201 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            let text = "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)T00:00:00Z"
            guard time.description == text, Timestamp(rfc3339: text) == time else {
                Issue.record("\(text) is \(time)")
                return
            }
            time = time.advanced(by: .seconds(86_400))
            day += 1
            if day > days[month - 1] { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect(time.description == "2201-01-01T00:00:00Z")
    }

    @Test(arguments: [
        (0, Duration.seconds(1), 1_000_000_000),
        (0, .seconds(-1), -1_000_000_000),
        (5, .nanoseconds(-7), -2),
        (10, .milliseconds(-1500), -1_499_999_990),
        (Int64.max, .nanoseconds(1), Int64.max),
        (Int64.max - 1, .milliseconds(1), Int64.max),
        (Int64.max, .seconds(1), Int64.max),
        (Int64.min, .nanoseconds(-1), Int64.min),
        (Int64.min, .seconds(-1), Int64.min),
        (0, .seconds(Int64.max), Int64.max),
        (0, .seconds(Int64.min), Int64.min),
        (Int64.max, .seconds(-1), Int64.max - 1_000_000_000),
    ])
    func advancingStaysInRange(start: Int64, duration: Duration, result: Int64) {
        #expect(Timestamp(nanoseconds: start).advanced(by: duration).nanoseconds == result)
    }

    @Test func durationsAreSigned() {
        let early = Timestamp(nanoseconds: -5)
        let late = Timestamp(nanoseconds: 1_000_000_000)
        #expect(late.duration(since: early) == .nanoseconds(1_000_000_005))
        #expect(early.duration(since: late) == .nanoseconds(-1_000_000_005))
        #expect(early < late)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Hub
import NIOCore
import Testing

@Suite struct TokenBucketTests {
    private static func time(_ milliseconds: UInt64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000 + milliseconds * 1_000_000)
    }

    @Test
    func aBurstIsTakenAndComesBackAtTheRate() {
        let rate = AllowedRate(perSecond: 10, burst: 5)
        var bucket = TokenBucket()
        for _ in 0..<5 { #expect(bucket.take(1, of: rate, at: Self.time(0)) == nil) }
        #expect(bucket.take(1, of: rate, at: Self.time(0)) == .milliseconds(100))
        #expect(bucket.take(2, of: rate, at: Self.time(0)) == .milliseconds(200))
        #expect(bucket.take(1, of: rate, at: Self.time(99)) == .milliseconds(1))
        #expect(bucket.take(1, of: rate, at: Self.time(100)) == nil)
        #expect(!bucket.isFull(at: Self.time(599)))
        #expect(bucket.isFull(at: Self.time(600)))
        #expect(bucket.take(5, of: rate, at: Self.time(10_000)) == nil)
        #expect(bucket.take(1, of: rate, at: Self.time(10_000)) != nil)
    }

    @Test
    func moreThanTheBucketHoldsIsNeverThere() {
        let rate = AllowedRate(perSecond: 10, burst: 5)
        var bucket = TokenBucket()
        #expect(bucket.take(6, of: rate, at: Self.time(0)) == .milliseconds(100))
        #expect(bucket.take(5, of: rate, at: Self.time(0)) == nil)
        #expect(bucket.take(.max, of: rate, at: Self.time(0)) != nil)
    }

    /// A request is all or nothing, so one that is larger than the burst counts as all of it.
    @Test
    func aRequestLargerThanTheBurstCanBePublished() {
        let rates = PublishRates(AllowedRate(perSecond: 10, burst: 5))
        #expect(rates.take(1_000_000, for: "a", at: Self.time(0)) == nil)
        #expect(rates.take(1, for: "a", at: Self.time(0)) == .milliseconds(100))
        #expect(rates.take(.max, for: "a", at: Self.time(0)) == .milliseconds(500))
    }

    @Test(arguments: [
        AllowedRate(perSecond: 1, burst: .max), AllowedRate(perSecond: .max, burst: .max),
        AllowedRate(perSecond: .max, burst: 1), AllowedRate(perSecond: 0, burst: 0),
    ])
    func noRateTraps(_ rate: AllowedRate) {
        var bucket = TokenBucket()
        for count in [0, 1, -1, .max, .min] {
            for time in [NIODeadline.uptimeNanoseconds(0), Self.time(0), .distantFuture] {
                _ = bucket.take(count, of: rate, at: time)
            }
        }
    }

    /// Over a long time neither more nor noticeably less than the rate gets through.
    @Test
    func theRateIsKeptInTheLongRun() {
        let rate = AllowedRate(perSecond: 1000, burst: 100)
        var bucket = TokenBucket()
        var taken = 0
        for tick in 0..<100_000 where bucket.take(1, of: rate, at: Self.time(UInt64(tick) / 10)) == nil { taken += 1 }
        #expect(10_000...10_100 ~= taken)
    }

    @Test
    func servicesDoNotUseUpEachOthersRate() {
        let rates = PublishRates(AllowedRate(perSecond: 10, burst: 10))
        #expect(rates.take(10, for: "a", at: Self.time(0)) == nil)
        #expect(rates.take(1, for: "a", at: Self.time(0)) == .milliseconds(100))
        #expect(rates.take(10, for: "b", at: Self.time(0)) == nil)
        #expect(PublishRates(nil).take(.max, for: "a") == nil)
    }
}

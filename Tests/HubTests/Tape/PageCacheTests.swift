// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore
import Testing

@testable import Hub

@Suite struct PageCacheTests {
    private static let a = ChannelName(type: "note", key: "a")
    private static let b = ChannelName(type: "note", key: "b")

    private static func run(_ numbers: ClosedRange<Int>, size: Int = 10) -> FrameRun {
        FrameRun(
            first: numbers.lowerBound,
            bytes: ByteBuffer(repeating: 0, count: numbers.count * size),
            ends: (1...numbers.count).map { $0 * size }
        )
    }

    private static func moment(_ seconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000) + .seconds(seconds)
    }

    /// With 3...6 and 7...8 of one channel kept.
    @Test(arguments: [(0, nil), (1, nil), (2, 3), (3, 3), (5, 3), (6, 7), (7, 7), (8, nil)] as [(Int, Int?)])
    func theRunThatHasTheNextEventIsFound(after: Int, first: Int?) {
        var cache = PageCache(maxBytes: 1_000)
        cache.keep(Self.run(3...6), of: Self.a, now: Self.moment(0))
        cache.keep(Self.run(7...8), of: Self.a, now: Self.moment(0))
        #expect(cache.run(of: Self.a, after: after, now: Self.moment(1))?.first == first)
        #expect(cache.run(of: Self.b, after: after, now: Self.moment(1)) == nil)
    }

    @Test func theOldestGoesWhenThereIsNoRoom() {
        var cache = PageCache(maxBytes: 100)
        cache.keep(Self.run(1...5), of: Self.a, now: Self.moment(0))
        cache.keep(Self.run(1...5), of: Self.b, now: Self.moment(0))
        cache.keep(Self.run(1...5), of: Self.b, now: Self.moment(0))
        #expect(cache.bytes == 100)
        cache.keep(Self.run(6...6), of: Self.b, now: Self.moment(0))
        #expect(cache.bytes == 60)
        #expect(cache.run(of: Self.a, after: 0, now: Self.moment(0)) == nil)
        #expect(cache.run(of: Self.b, after: 5, now: Self.moment(0)) != nil)
        cache.keep(Self.run(1...11), of: Self.a, now: Self.moment(0))
        #expect(cache.bytes == 60, "larger than the cache: nothing is given up for it")
    }

    @Test func aChannelHasItsShareOnly() {
        var cache = PageCache(maxBytes: 1_000_000)
        for number in 1...PageCache.maxRuns + 10 {
            cache.keep(Self.run(number...number), of: Self.a, now: Self.moment(0))
        }
        cache.keep(Self.run(1...1), of: Self.b, now: Self.moment(0))
        #expect(cache.bytes == (PageCache.maxRuns + 1) * 10)
        #expect(cache.run(of: Self.a, after: PageCache.maxRuns, now: Self.moment(0)) == nil)
        #expect(cache.run(of: Self.b, after: 0, now: Self.moment(0)) != nil)
    }

    @Test func nothingIsKeptForLong() {
        var cache = PageCache(maxBytes: 100, maxAge: .seconds(10))
        cache.keep(Self.run(1...2), of: Self.a, now: Self.moment(0))
        cache.keep(Self.run(3...4), of: Self.a, now: Self.moment(5))
        #expect(cache.run(of: Self.a, after: 0, now: Self.moment(10)) != nil)
        #expect(cache.run(of: Self.a, after: 0, now: Self.moment(11)) == nil)
        #expect(cache.run(of: Self.a, after: 2, now: Self.moment(11)) != nil)
        #expect(cache.run(of: Self.a, after: 2, now: Self.moment(16)) == nil)
        #expect(cache.bytes == 0)
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import RateSource
import TestSupport
import Testing

/// Messages of exchanges with hostile values in them: what is published of them is what a hub takes.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct HostileQuoteTests {
    private static let validator = EventValidator(types: EventTypes())
    private static let publisher = Principal(subject: "rate:x", scopes: ["publish:rateChange"], isInternal: true)

    @Test(arguments: Samples.names.indices, 1...2 as ClosedRange<UInt64>)
    func whatIsPublishedIsAnEvent(_ index: Int, _ seed: UInt64) throws {
        let name = Samples.names[index]
        let sample = try #require(try Samples.load()[name])
        let raw = try #require(sample["raw"])
        let pair = try #require(sample["ccxt"]?["symbol"]?.string)
        let dialect: Dialect =
            name.hasPrefix("binance") ? .binance : name.hasPrefix("coinbase") ? .coinbase : .kraken
        var book = RateBook([try exchange("x", dialect, [pair])], at: at(0))
        var mutator = ValueMutator(try HostileValues(), seed: seed)
        // The time of the samples, or nothing of them is news.
        let begin = Samples.read(name, raw.compacted()).compactMap(\.quote?.time).first ?? at(0)
        var published = 0
        for step in 0..<600 {
            let now = begin.advanced(by: .seconds(step * 400))
            _ = book.received(Samples.read(name, mutator.mutated(raw)), from: 0, at: now)
            let offers = book.due(at: now)
            book.published(offers, at: now)
            for offer in offers {
                published += 1
                try Self.check(offer.rate.event)
            }
        }
        // A book alone is no rate.
        #expect(published > 50 || name.contains("bookTicker"))
    }

    private static func check(_ event: SourceEvent) throws {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("type", string: event.type)
        writer.member("key", string: event.key)
        writer.member("id", string: event.id)
        if let time = event.time { writer.member("time", string: time.description) }
        writer.member("data", raw: event.data)
        writer.endObject()
        let item = try JSON.Value.parse(writer.bytes)
        #expect(throws: Never.self, "\(String(decoding: writer.bytes, as: UTF8.self))") {
            try Self.validator.events(from: [item], publisher: Self.publisher, now: at(0))
        }
    }
}

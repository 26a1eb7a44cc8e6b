// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON

@testable import Server

/// What is made of messages of outside publishers, and of what a token says.
enum ValueReading {
    private static let channel = "rate.kraken"
    private static let reader = FanInReader(
        validator: EventValidator(types: EventTypes()),
        messageBytes: 1 << 20,
        rules: FanInRules([FanInRules.Rule("*", types: nil, takesAnySource: true)])
    )
    private static let now = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

    /// Read twice into one table of sources: what came once must not make the second time fail.
    static func checkFeed(_ bytes: ArraySlice<UInt8>) throws {
        let reading = Self.reader.read(FanInMessage(channel: Self.channel, payload: Array(bytes)), received: Self.now)
        try expect(reading.fault == nil || reading.events.isEmpty, "events of a message that is none")
        var table = SourceTable(limit: 100)
        for time in [Self.now, Self.now.advanced(by: .seconds(1))] {
            for number in reading.numbers { _ = table.heard(number, at: time, takesUp: true) }
        }
        _ = table.checked(at: Self.now.advanced(by: .seconds(3_600)), limit: .seconds(30))
        for mark in table.takeMarks() {
            try expect(mark.seq ?? 0 >= 0, "the mark \(mark.seq ?? 0)")
        }
        for event in reading.events {
            try expect((try? JSON.Value.parse(event.data)) != nil, "data is not JSON")
        }
    }

    static func checkClaims(_ bytes: ArraySlice<UInt8>) throws {
        var rules = TokenRules()
        rules.maxAge = .seconds(86_400)
        for rules in [TokenRules(), rules] {
            guard let claims = try? Claims(payload: Array(bytes)),
                let principal = try? rules.principal(of: claims, now: Self.now)
            else { continue }
            try expect(ChannelName.isValidKey(principal.subject), "a subject that cannot be a key")
            try expect(principal.expires.map { $0 > Self.now } ?? true, "a token that has ended")
        }
    }
}

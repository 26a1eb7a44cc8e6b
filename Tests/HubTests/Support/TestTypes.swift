// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub

extension EventTypes {
    /// The built-in types and plain ones that take any data.
    static let forTests = EventTypes(declared: [
        EventType(name: "note", readers: .everyone, delivery: .every),
        EventType(name: "price", readers: .everyone, delivery: .latest),
        EventType(
            name: "purse",
            readers: .everyone,
            delivery: .latest,
            slot: EventType.Slot(field: "currency", defaultValue: "USD")
        ),
        EventType(name: "mine", readers: .owner, delivery: .every),
        EventType(name: "ops", readers: .scope, delivery: .every),
    ])
}

extension HubConfiguration {
    /// Nothing happens by the clock unless a test says so.
    static var forTests: HubConfiguration {
        var configuration = HubConfiguration()
        configuration.types = .forTests
        configuration.shard.heartbeat = .seconds(100)
        configuration.shard.silence = .seconds(10_000)
        configuration.shard.authentication = .seconds(1_000)
        configuration.housekeeping = .seconds(10_000)
        configuration.pollWhileCut = .seconds(10_000)
        configuration.probe = .seconds(10_000)
        configuration.writer.patience = .seconds(10_000)
        configuration.fanIn.rules = .forTests()
        return configuration
    }
}

extension FanInRules {
    /// Every channel may carry every source.
    static func forTests(types: Set<String>? = nil) -> FanInRules {
        FanInRules([Rule("*", types: types, takesAnySource: true)])
    }
}

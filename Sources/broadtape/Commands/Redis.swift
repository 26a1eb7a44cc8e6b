// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging
import NIOCore
import RedisBus

/// What a node has of Redis: the way to the other nodes, and where outside publishers are heard.
struct Redis {
    let bus: RedisBus
    /// Nil when nobody is listened to.
    let fanIn: FanInPorts?

    /// Nil when the settings name no Redis. Whether there is one is found out later, and again and again.
    init?(_ settings: Settings, tape: any Tape, on loop: any EventLoop, logger: Logger) async throws(ConfigurationFault)
    {
        guard let address = settings.redis else { return nil }
        let connector: RedisConnector
        do throws(RedisEnding) {
            var options = RedisOptions()
            options.name = "broadtape-\(settings.hub.node)"
            connector = try RedisConnector(to: address, options: options)
        } catch {
            throw ConfigurationFault("redis: \(error)")
        }
        self.bus = RedisBus(
            connector: connector,
            channel: RedisBus.channel(forTape: tape.epoch),
            on: loop,
            logger: logger
        )
        guard !settings.fanIn.isEmpty, let store = tape as? any FanInStore else {
            self.fanIn = nil
            return
        }
        let source = RedisFanIn(
            connector: connector,
            patterns: settings.fanIn,
            maxMessage: settings.hub.fanIn.messageBytes,
            on: loop,
            logger: logger
        )
        self.fanIn = FanInPorts(source: source, store: store)
    }
}

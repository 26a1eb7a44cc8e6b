// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Logging
import NIOCore
import RedisBus
import Secrets
import ServiceLifecycle

/// A node's use of Redis: the bus between nodes, and fan-in from outside publishers.
struct Redis {
    let bus: RedisBus
    /// Nil without fan-in.
    let fanIn: FanInPorts?
    /// Sends the fan-in's requests to publishers.
    let sender: RedisSender?

    /// Nil if no Redis is set. Connections are made later, and retried.
    /// - Parameter secret: The token secret. The bus key is derived from it if the bus has no secret of its own.
    init?(
        _ settings: Settings,
        secret: Secret?,
        storage: Storage,
        on loop: any EventLoop,
        logger: Logger
    ) async throws(ConfigurationFault) {
        guard let address = settings.redis else { return nil }
        let secrets = try settings.secrets.busSecrets(token: secret)
        let channel = RedisBus.channel(forTape: storage.tape.epoch)
        let connector = try Self.connector(to: address, name: "broadtape-\(settings.hub.node)")
        self.bus = RedisBus(
            connector: connector,
            channel: channel,
            seal: BusSeal(secrets, channel: channel),
            on: loop,
            logger: logger
        )
        guard !settings.fanIn.isEmpty else {
            self.fanIn = nil
            self.sender = nil
            return
        }
        let source = RedisFanIn(
            connector: connector,
            patterns: settings.fanIn,
            maxMessage: settings.hub.fanIn.messageBytes,
            on: loop,
            logger: logger
        )
        let sender = RedisSender(connector: connector, on: loop, logger: logger)
        self.sender = sender
        self.fanIn = FanInPorts(
            source: source,
            store: storage.fanIn,
            ask: { request in
                let message = request.message
                sender.post(message.payload, to: message.channel)
            }
        )
    }

    /// - Parameter name: Client name of the connections in Redis.
    static func connector(to address: RedisAddress, name: String) throws(ConfigurationFault) -> RedisConnector {
        do throws(RedisEnding) {
            var options = RedisOptions()
            options.name = name
            return try RedisConnector(to: address, options: options)
        } catch {
            throw ConfigurationFault("redis: \(error)")
        }
    }
}

/// Sends requests to fan-in publishers, as a service of the process.
struct RedisSenderService: Service, CustomStringConvertible {
    let description = "requests to publishers"
    let sender: RedisSender

    func run() async {
        await cancelWhenGracefulShutdown { await self.sender.run() }
    }
}

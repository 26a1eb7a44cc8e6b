// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
package import Logging
package import NIOCore
import Synchronization

/// Receives messages of outside publishers on Redis channels that match patterns (`chain.*`), over its own connection.
///
/// Redis stores nothing for disconnected subscribers, so messages published meanwhile are lost. A publisher that needs
/// confirmation posts to the hub instead. While the hub processes a message, at most the inbox is read ahead.
package final class RedisFanIn: FanInSource {
    /// Counters since the start.
    package struct Tally: Sendable, Equatable {
        /// Messages delivered or queued.
        package var received = 0
        /// Messages among ``received`` that were truncated because they were too large.
        package var cut = 0
        /// Duplicates because several patterns match one channel.
        package var repeated = 0
        /// Messages dropped because their channel name is not UTF-8.
        package var malformed = 0
        package var reconnects = 0
        /// Bytes queued for the hub.
        package var backlogBytes = 0
        package var isSubscribed = false
    }

    package static let defaultPatterns = ["chain.*", "rate.*"]
    /// Default size limit of messages, in bytes; larger ones are truncated.
    package static let defaultMaxMessage = 1 << 20

    private final class State: Sendable {
        let tally = Mutex(Tally())
    }

    private let listener: Listener<FanInMessage>
    private let link: RedisLink
    private let state: State

    /// - Parameters:
    ///   - patterns: At least one, in the syntax of `PSUBSCRIBE`. A message that matches several is delivered once.
    ///   - maxMessage: In bytes. A larger message is truncated to `maxMessage + 1` bytes, so that the receiver, whose
    ///     own limit is not higher, detects that it is too large and can still identify it by its beginning.
    ///   - stateChanged: Called on the loop with nil once Redis has confirmed all patterns, and with the reason when
    ///     the subscription ends.
    package init(
        connector: RedisConnector,
        patterns: [String] = RedisFanIn.defaultPatterns,
        maxMessage: Int = RedisFanIn.defaultMaxMessage,
        on loop: any EventLoop,
        logger: Logger,
        stateChanged: @escaping @Sendable (RedisEnding?) -> Void = { _ in }
    ) {
        precondition(!patterns.isEmpty, "a fan-in needs a pattern")
        var distinct: [String] = []
        for pattern in patterns where !distinct.contains(where: { $0.hasSameBytes(as: pattern) }) {
            distinct.append(pattern)
        }
        let state = State()
        let filter = PatternFilter(distinct)
        self.state = state
        self.listener = Listener(loop: loop, limit: connector.options.inboxBytes) { push in
            Self.read(push, filter, maxMessage: maxMessage, state, logger)
        } stateChanged: { ending in
            state.tally.withLock { $0.isSubscribed = ending == nil }
            stateChanged(ending)
        }
        self.link = RedisLink(
            connector: connector,
            loop: loop,
            opening: .psubscribe(distinct),
            receiver: self.listener,
            logger: logger
        )
    }

    package var tally: Tally {
        var tally = self.state.tally.withLock { $0 }
        tally.reconnects = self.link.reconnects
        tally.backlogBytes = self.listener.backlog
        return tally
    }

    package func run(_ receive: @Sendable (FanInMessage) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.link.run() }
            while let message = await self.listener.next() {
                await receive(message)
            }
            group.cancelAll()
        }
    }

    private static func read(
        _ push: RedisPush,
        _ filter: PatternFilter,
        maxMessage: Int,
        _ state: State,
        _ logger: Logger
    ) -> (message: FanInMessage, bytes: Int)? {
        guard let channel = String(validating: push.channel, as: UTF8.self) else {
            state.tally.withLock { $0.malformed += 1 }
            return nil
        }
        guard filter.isFirst(push.pattern, for: push.channel) else {
            state.tally.withLock { $0.repeated += 1 }
            return nil
        }
        let isCut = push.payload.count > maxMessage
        if isCut {
            logger.warning(
                "message too large",
                metadata: ["channel": "\(channel)", "bytes": "\(push.payload.count)", "limit": "\(maxMessage)"]
            )
        }
        state.tally.withLock { tally in
            tally.received += 1
            tally.cut += isCut ? 1 : 0
        }
        let payload = isCut ? Array(push.payload.prefix(maxMessage + 1)) : push.payload
        return (FanInMessage(channel: channel, payload: payload), payload.count + push.channel.count + 64)
    }
}

/// Removes duplicates that Redis delivers if several patterns match a channel: keeps that of the first pattern.
struct PatternFilter: Sendable {
    private let patterns: [ChannelPattern]

    init(_ patterns: [String]) {
        self.patterns = patterns.map { ChannelPattern($0) }
    }

    /// Whether no pattern before `pattern` matches the channel.
    func isFirst(_ pattern: [UInt8]?, for channel: [UInt8]) -> Bool {
        for candidate in self.patterns {
            if candidate.bytes == pattern { return true }
            if candidate.matches(channel) { return false }
        }
        // Not one of the known patterns; Redis has matched it, so it is accepted.
        return true
    }
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Receives the messages of a subscribing connection for a consumer that may be slower.
///
/// Backlog policy: while the inbox is full, the socket is not read. A server that has to buffer too much then closes
/// the connection (`client-output-buffer-limit`), which is handled as an ordinary outage.
final class Listener<Message: Sendable>: RedisReceiver {
    private let inbox: Inbox<Message>
    private let connection: NIOLoopBoundBox<RedisConnection?>
    private let loop: any EventLoop
    /// A message and its size in bytes; nil if it is not for the consumer.
    private let read: @Sendable (RedisPush) -> (message: Message, bytes: Int)?
    private let stateChanged: @Sendable (RedisEnding?) -> Void

    /// - Parameters:
    ///   - read: Called on the loop.
    ///   - stateChanged: Called on the loop with nil once subscribed, and again when the subscription ends.
    init(
        loop: any EventLoop,
        limit: Int,
        read: @escaping @Sendable (RedisPush) -> (message: Message, bytes: Int)?,
        stateChanged: @escaping @Sendable (RedisEnding?) -> Void
    ) {
        self.inbox = Inbox(limit: limit)
        self.connection = .makeEmptyBox(valueType: RedisConnection.self, eventLoop: loop)
        self.loop = loop
        self.read = read
        self.stateChanged = stateChanged
    }

    /// Bytes queued for the consumer.
    var backlog: Int {
        self.inbox.bytes
    }

    /// The next message; nil if the task is cancelled.
    func next() async -> Message? {
        await self.inbox.next {
            self.loop.execute { self.connection.value?.resume() }
        }
    }

    func opened(_ connection: RedisConnection) {
        self.connection.value = connection
        if self.inbox.isFull { connection.pause() }
        self.stateChanged(nil)
    }

    func received(_ value: RedisValue, from connection: RedisConnection) {
        guard let push = RedisPush(value), let (message, bytes) = self.read(push) else { return }
        self.inbox.put(message, bytes: bytes)
        guard self.inbox.isFull else { return }
        // Set before it is opened, so that it can be resumed.
        self.connection.value = connection
        connection.pause()
    }

    func becameWritable(_ connection: RedisConnection) {}

    func ended(_ ending: RedisEnding) {
        self.connection.value = nil
        self.stateChanged(ending)
    }
}

/// A message that Redis delivers to a subscriber.
struct RedisPush {
    /// The pattern it matched; nil for a channel subscribed by name.
    var pattern: [UInt8]?
    var channel: [UInt8]
    var payload: [UInt8]

    /// Nil if it is not a message.
    init?(_ value: RedisValue) {
        guard case .array(let parts) = value else { return nil }
        if parts.count == 3, parts[0].isBulk("message"),
            case .bulk(let channel) = parts[1], case .bulk(let payload) = parts[2]
        {
            (self.pattern, self.channel, self.payload) = (nil, channel, payload)
        } else if parts.count == 4, parts[0].isBulk("pmessage"),
            case .bulk(let pattern) = parts[1], case .bulk(let channel) = parts[2], case .bulk(let payload) = parts[3]
        {
            (self.pattern, self.channel, self.payload) = (pattern, channel, payload)
        } else {
            return nil
        }
    }
}

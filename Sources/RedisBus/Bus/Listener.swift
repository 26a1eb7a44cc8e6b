// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Takes in the messages of a subscribing connection for a consumer that may be slower than they come.
///
/// Backlog policy: past the bound of the inbox the socket is not read. A server that has to keep too much for us then
/// closes the connection (`client-output-buffer-limit`), which shows as an ordinary outage.
final class Listener<Message: Sendable>: RedisReceiver {
    private let inbox: Inbox<Message>
    private let connection: NIOLoopBoundBox<RedisConnection?>
    private let loop: any EventLoop
    /// A message and the bytes it takes up; nil is not for the consumer.
    private let read: @Sendable (RedisPush) -> (message: Message, bytes: Int)?
    private let stateChanged: @Sendable (RedisEnding?) -> Void

    /// - Parameters:
    ///   - read: Called on the loop.
    ///   - stateChanged: Called on the loop with nil once subscribed, and when that has ended.
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

    /// Bytes that wait for the consumer.
    var backlog: Int {
        self.inbox.bytes
    }

    /// The next message, nil when the task is cancelled.
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
        // Known before it is opened, or nobody could resume it.
        self.connection.value = connection
        connection.pause()
    }

    func becameWritable(_ connection: RedisConnection) {}

    func ended(_ ending: RedisEnding) {
        self.connection.value = nil
        self.stateChanged(ending)
    }
}

/// A message that Redis passes on to a subscriber.
struct RedisPush {
    /// What it matched; nil for a channel subscribed by name.
    var pattern: [UInt8]?
    var channel: [UInt8]
    var payload: [UInt8]

    /// Nil for anything that is not a message.
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

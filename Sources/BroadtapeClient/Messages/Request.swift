// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore

/// What a client asks of the hub over the socket.
package enum Request: Sendable, Equatable {
    /// One requested subscription.
    package struct Subscribe: Sendable, Equatable {
        /// A full name, or a private type without a key for the caller's own channel.
        package var channel: String
        /// Resume after this number.
        package var since: Int?
        /// The epoch of the numbering that `since` belongs to.
        package var epoch: String?
        /// Begin with the current state; nil leaves it to the type.
        package var snapshot: Bool?
        /// Least milliseconds between two events, for types of which only the newest counts.
        package var interval: Int?

        /// Creates a subscription request.
        package init(
            channel: String,
            since: Int? = nil,
            epoch: String? = nil,
            snapshot: Bool? = nil,
            interval: Int? = nil
        ) {
            self.channel = channel
            self.since = since
            self.epoch = epoch
            self.snapshot = snapshot
            self.interval = interval
        }
    }

    case auth(token: String)
    case subscribe([Subscribe])
    case unsubscribe(channel: String)
    case history(channel: String, after: Int, limit: Int)
    /// Events as JSON objects.
    case publish([[UInt8]])
    case ping

    /// The request as a text message.
    /// - Parameter id: Repeated in the answer.
    package func encoded(id: Int) -> ByteBuffer {
        var writer = JSON.Writer()
        writer.beginObject()
        switch self {
        case .auth(let token):
            writer.member("op", string: "auth")
            writer.member("token", string: token)
        case .subscribe(let list):
            writer.member("op", string: "subscribe")
            writer.name("channels")
            writer.beginArray()
            for subscribe in list { writer.subscribe(subscribe) }
            writer.endArray()
        case .unsubscribe(let channel):
            writer.member("op", string: "unsubscribe")
            writer.member("channel", string: channel)
        case .history(let channel, let after, let limit):
            writer.member("op", string: "history")
            writer.member("channel", string: channel)
            writer.member("after", integer: after)
            writer.member("limit", integer: limit)
        case .publish(let events):
            writer.member("op", string: "publish")
            writer.name("events")
            writer.beginArray()
            for event in events { writer.raw(event) }
            writer.endArray()
        case .ping:
            writer.member("op", string: "ping")
        }
        writer.member("id", integer: id)
        writer.endObject()
        return ByteBuffer(bytes: writer.bytes)
    }
}

extension Request {
    /// Most bytes of one subscribe request, so that it fits a hub with a small message limit.
    private static let subscribeBytes = 32 << 10

    /// Subscribe requests that each fit into one message.
    package static func subscribes(_ wanted: [Subscribe]) -> [Request] {
        var requests: [Request] = []
        var batch: [Subscribe] = []
        var bytes = 0
        for subscribe in wanted {
            // An escaped byte takes up to six; the other members take less than 128.
            let cost = 128 + 6 * (subscribe.channel.utf8.count + (subscribe.epoch?.utf8.count ?? 0))
            if bytes + cost > Self.subscribeBytes, !batch.isEmpty {
                requests.append(.subscribe(batch))
                batch = []
                bytes = 0
            }
            batch.append(subscribe)
            bytes += cost
        }
        if !batch.isEmpty { requests.append(.subscribe(batch)) }
        return requests
    }
}

extension JSON.Writer {
    fileprivate mutating func subscribe(_ subscribe: Request.Subscribe) {
        self.beginObject()
        self.member("channel", string: subscribe.channel)
        if let since = subscribe.since { self.member("since", integer: since) }
        if let epoch = subscribe.epoch { self.member("epoch", string: epoch) }
        if let snapshot = subscribe.snapshot { self.member("snapshot", bool: snapshot) }
        if let interval = subscribe.interval { self.member("interval", integer: interval) }
        self.endObject()
    }
}

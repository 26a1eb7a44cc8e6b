// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import JSON

/// A message from the hub to a client, other than an event.
package enum ServerMessage: Sendable {
    /// How a subscription starts.
    package enum Mode: String, Sendable {
        case live
        case snapshot
        case resumed
    }

    case welcome(session: String, node: String, heartbeatMilliseconds: Int)
    case authenticated(id: RequestID?, user: String, expires: Timestamp?)
    case subscribed(id: RequestID?, channel: ChannelName, epoch: String, head: Int, mode: Mode)
    /// `reason` is set if the hub ended the subscription.
    case unsubscribed(id: RequestID?, channel: ChannelName, reason: ErrorCode? = nil)
    case caughtUp(channel: ChannelName, seq: Int)
    case history(id: RequestID?, channel: ChannelName, epoch: String, entries: [TapeEntry], next: Int)
    case published(id: RequestID?, results: [PublishResult])
    case pong(id: RequestID?)
    /// `stale` contains source names.
    case heartbeat(
        time: Timestamp,
        heads: [(channel: ChannelName, head: Int)],
        isPaused: Bool = false,
        stale: [String] = []
    )
    /// `retryAfter` is in milliseconds.
    case error(
        id: RequestID?,
        code: ErrorCode,
        message: String,
        channel: String? = nil,
        items: [ItemFault] = [],
        retryAfter: Int? = nil
    )
    case goodbye(reason: String, reconnectAfter: Int)

    /// Initial buffer capacity in bytes, enough for most messages of the case.
    private var usualLength: Int {
        if case .published(_, let results) = self { 64 + results.count * 256 } else { 256 }
    }

    /// The message as JSON text.
    package func encoded() -> [UInt8] {
        var writer = JSON.Writer(reservingCapacity: self.usualLength)
        writer.beginObject()
        switch self {
        case .welcome(let session, let node, let heartbeat):
            writer.op("welcome")
            writer.member("session", string: session)
            writer.member("node", string: node)
            writer.member("heartbeat", integer: heartbeat)
        case .authenticated(let id, let user, let expires):
            writer.op("authenticated", id)
            writer.member("user", string: user)
            if let expires { writer.member("expires", string: expires.description) }
        case .subscribed(let id, let channel, let epoch, let head, let mode):
            writer.op("subscribed", id)
            writer.member("channel", string: channel.description)
            writer.member("epoch", string: epoch)
            writer.member("head", integer: head)
            writer.member("mode", string: mode.rawValue)
        case .unsubscribed(let id, let channel, let reason):
            writer.op("unsubscribed", id)
            writer.member("channel", string: channel.description)
            if let reason { writer.member("reason", string: reason.rawValue) }
        case .caughtUp(let channel, let seq):
            writer.op("caughtUp")
            writer.member("channel", string: channel.description)
            writer.member("seq", integer: seq)
        case .history(let id, let channel, let epoch, let entries, let next):
            writer.op("history", id)
            writer.member("channel", string: channel.description)
            writer.member("epoch", string: epoch)
            writer.events(entries)
            writer.member("next", integer: next)
        case .published(let id, let results):
            writer.op("published", id)
            writer.results(results)
        case .pong(let id):
            writer.op("pong", id)
        case .heartbeat(let time, let heads, let isPaused, let stale):
            writer.op("heartbeat")
            writer.member("time", string: time.description)
            writer.name("heads")
            writer.beginObject()
            for (channel, head) in heads {
                writer.member(channel.description, integer: head)
            }
            writer.endObject()
            if isPaused { writer.member("paused", bool: true) }
            if !stale.isEmpty {
                writer.name("stale")
                writer.beginArray()
                for source in stale { writer.string(source) }
                writer.endArray()
            }
        case .error(let id, let code, let message, let channel, let items, let retryAfter):
            writer.op("error", id)
            writer.member("code", string: code.rawValue)
            writer.member("message", string: message)
            if let channel { writer.member("channel", string: channel) }
            if let action = code.action { writer.member("action", string: action) }
            if let retryAfter { writer.member("retryAfter", integer: retryAfter) }
            if !items.isEmpty { writer.items(items) }
        case .goodbye(let reason, let reconnectAfter):
            writer.op("goodbye")
            writer.member("reason", string: reason)
            writer.member("reconnectAfter", integer: reconnectAfter)
        }
        writer.endObject()
        return writer.bytes
    }
}

extension JSON.Writer {
    fileprivate mutating func op(_ op: String, _ id: RequestID? = nil) {
        self.member("op", string: op)
        if let id { self.member("id", raw: id.text) }
    }

    /// `"events": [{seq, id, time, data}, …]`
    package mutating func events(_ entries: [TapeEntry]) {
        self.name("events")
        self.beginArray()
        for entry in entries {
            self.entry(entry)
        }
        self.endArray()
    }

    /// `{seq, id, time, data}`, and `traceparent` where the event has one.
    package mutating func entry(_ entry: TapeEntry) {
        self.beginObject()
        self.member("seq", integer: entry.seq)
        self.member("id", string: entry.id)
        self.member("time", string: entry.time.description)
        if let trace = entry.trace { self.member("traceparent", string: trace.traceparent) }
        self.member("data", raw: entry.data)
        self.endObject()
    }

    /// `"results": [{id, status, positions}, …]`
    package mutating func results(_ results: [PublishResult]) {
        // Every publish request gets these results, mostly for a single event, so they are written without the checks
        // of the generic writer.
        var text: [UInt8] = []
        text.reserveCapacity(results.count * 256)
        text.append(UInt8(ascii: "["))
        for (index, result) in results.enumerated() {
            text.append(literal: index == 0 ? "{\"id\":" : ",{\"id\":")
            JSON.Writer.append(result.id, to: &text)
            text.append(literal: ",\"status\":\"")
            text.append(string: result.receipt.status.rawValue)
            text.append(literal: "\",\"positions\":[")
            for (index, position) in result.receipt.positions.enumerated() {
                text.append(literal: index == 0 ? "{\"channel\":" : ",{\"channel\":")
                JSON.Writer.append(position.channel.description, to: &text)
                text.append(literal: ",\"epoch\":")
                JSON.Writer.append(position.epoch, to: &text)
                text.append(literal: ",\"seq\":")
                text.append(decimal: position.seq)
                text.append(UInt8(ascii: "}"))
            }
            text.append(literal: "]}")
        }
        text.append(UInt8(ascii: "]"))
        self.member("results", raw: text)
    }

    /// `"items": [{index, field, message}, …]`
    package mutating func items(_ items: [ItemFault]) {
        self.name("items")
        self.beginArray()
        for item in items {
            self.beginObject()
            self.member("index", integer: item.index)
            if let field = item.field { self.member("field", string: field) }
            self.member("message", string: item.message)
            self.endObject()
        }
        self.endArray()
    }
}

/// The result of publishing one event.
package struct PublishResult: Sendable, Equatable {
    package var id: String
    package var receipt: Receipt

    package init(id: String, receipt: Receipt) {
        self.id = id
        self.receipt = receipt
    }
}

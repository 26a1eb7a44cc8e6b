// SPDX-License-Identifier: Apache-2.0

package import JSON
package import NIOCore

extension Message {
    /// Why a message of the hub cannot be read.
    package enum Unreadable: Error, Sendable, Equatable, CustomStringConvertible {
        /// Not JSON.
        case notJSON(JSON.Fault)
        /// JSON, but not an object with an `op`.
        case noOp
        /// A field that the message must have is absent or of another kind.
        case missing(field: String, op: String)

        /// A sentence for a human.
        package var description: String {
            switch self {
            case .notJSON(let fault): "a message is not JSON: \(fault)"
            case .noOp: "a message is not an object with an \"op\""
            case .missing(let field, let op): "a message \"\(op.cut(to: 32))\" has no usable \"\(field)\""
            }
        }
    }

    /// Reads a text message.
    package init(_ text: ByteBuffer) throws(Unreadable) {
        try self.init(Array(text.readableBytesView))
    }

    /// Reads a text message.
    package init(_ text: [UInt8]) throws(Unreadable) {
        let value: JSON.Value
        do throws(JSON.Fault) {
            value = try JSON.Value.parse(text)
        } catch {
            throw .notJSON(error)
        }
        guard let op = value["op"]?.string else { throw .noOp }
        let reader = Reader(message: value, op: op)
        switch op {
        case "event": self = .event(try reader.event())
        case "snapshot": self = .snapshot(try reader.event())
        case "heartbeat": self = reader.heartbeat()
        case "caughtUp": self = .caughtUp(channel: try reader.string("channel"), seq: try reader.integer("seq"))
        case "welcome": self = .welcome(try reader.welcome())
        case "authenticated": self = .authenticated(try reader.authenticated())
        case "subscribed": self = .subscribed(try reader.subscribed())
        case "unsubscribed":
            let channel = try reader.string("channel")
            // With a reason it is the hub that ended the subscription.
            if let reason = value["reason"]?.string {
                let message = "the token does not allow it any more"
                self = .error(Fault(code: reason, message: message, channel: channel, items: []))
            } else {
                self = .unsubscribed(id: reader.id, channel: channel)
            }
        case "history": self = .history(try reader.history())
        case "published": self = .published(Published(id: reader.id, results: try reader.results()))
        case "pong": self = .pong(id: reader.id)
        case "error": self = .error(reader.fault())
        case "goodbye":
            self = .goodbye(
                reason: value["reason"]?.string ?? "",
                reconnectAfter: value["reconnectAfter"]?.integer(in: .seq) ?? 0
            )
        default: self = .unknown(op: op)
        }
    }
}

/// Reads the fields of one message.
private struct Reader {
    let message: JSON.Value
    let op: String

    var id: Int? { self.message["id"]?.integer(in: .seq) }

    func string(_ name: String) throws(Message.Unreadable) -> String {
        guard let value = self.message[name]?.string else { throw .missing(field: name, op: self.op) }
        return value
    }

    func integer(_ name: String) throws(Message.Unreadable) -> Int {
        guard let value = self.message[name]?.integer(in: .seq) else { throw .missing(field: name, op: self.op) }
        return value
    }

    func event() throws(Message.Unreadable) -> Event {
        try self.entry(self.message, channel: self.string("channel"))
    }

    private func entry(_ value: JSON.Value, channel: String) throws(Message.Unreadable) -> Event {
        guard let seq = value["seq"]?.integer(in: .seq) else { throw .missing(field: "seq", op: self.op) }
        guard let id = value["id"]?.string else { throw .missing(field: "id", op: self.op) }
        guard let data = value["data"] else { throw .missing(field: "data", op: self.op) }
        return Event(
            channel: channel,
            seq: seq,
            skipped: value["skipped"]?.integer(in: .seq) ?? 0,
            id: id,
            time: value["time"]?.string ?? "",
            traceparent: value["traceparent"]?.string,
            data: Array(data.text)
        )
    }

    func heartbeat() -> Message {
        let stale = self.message["stale"].map { $0.elements.compactMap(\.string) } ?? []
        return .heartbeat(heads: self.heads(), isPaused: self.message["paused"]?.bool ?? false, stale: stale)
    }

    private func heads() -> [ExactText: Int] {
        var heads: [ExactText: Int] = [:]
        guard let members = self.message["heads"]?.members else { return heads }
        for (channel, head) in members {
            if let head = head.integer(in: .seq) { heads[ExactText(channel)] = head }
        }
        return heads
    }

    func welcome() throws(Message.Unreadable) -> Message.Welcome {
        Message.Welcome(
            session: try self.string("session"),
            node: self.message["node"]?.string ?? "",
            heartbeatMilliseconds: try self.integer("heartbeat")
        )
    }

    func authenticated() throws(Message.Unreadable) -> Message.Authenticated {
        Message.Authenticated(
            id: self.id,
            user: try self.string("user"),
            expires: self.message["expires"]?.string
        )
    }

    func subscribed() throws(Message.Unreadable) -> Message.Subscribed {
        Message.Subscribed(
            id: self.id,
            channel: try self.string("channel"),
            epoch: try self.string("epoch"),
            head: try self.integer("head"),
            mode: Message.Mode(rawValue: try self.string("mode")) ?? .live
        )
    }

    func history() throws(Message.Unreadable) -> Message.History {
        guard let list = self.message["events"], list.kind == .array else {
            throw .missing(field: "events", op: self.op)
        }
        let channel = try self.string("channel")
        var events: [Event] = []
        for element in list.elements {
            events.append(try self.entry(element, channel: channel))
        }
        return Message.History(
            id: self.id,
            channel: channel,
            epoch: self.message["epoch"]?.string,
            events: events,
            next: try self.integer("next")
        )
    }

    func results() throws(Message.Unreadable) -> [Receipt] {
        guard let receipts = Receipt.list(self.message["results"]) else {
            throw .missing(field: "results", op: self.op)
        }
        return receipts
    }

    /// Lenient: an error must not be lost because of its form.
    func fault() -> Message.Fault {
        Message.Fault(
            id: self.id,
            code: self.message["code"]?.string ?? "unknown",
            message: self.message["message"]?.string ?? "",
            channel: self.message["channel"]?.string,
            action: self.message["action"]?.string,
            retryAfter: self.message["retryAfter"]?.integer(in: .seq),
            items: Problem.Item.list(self.message["items"])
        )
    }
}

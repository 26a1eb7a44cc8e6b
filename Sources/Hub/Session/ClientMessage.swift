// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A request from a client.
package enum ClientMessage: Sendable {
    case auth(token: String)
    case subscribe([SubscriptionRequest])
    case unsubscribe(channel: String)
    /// A nil `after` begins with the oldest retained event.
    case history(channel: String, after: Int?, limit: Int)
    case publish([JSON.Value])
    case ping
}

/// One subscription requested by a client.
package struct SubscriptionRequest: Sendable, Equatable {
    /// As the client sent it: a full channel name, or just a private type for the client's own channel.
    package var channel: String
    /// Resume after this sequence number.
    package var since: Int?
    /// The epoch that `since` belongs to.
    package var epoch: String?
    /// Begin with the newest event; nil uses the default of the type's delivery.
    package var snapshot: Bool?
    /// Minimum interval between two events in milliseconds, for types with delivery `latest`.
    package var interval: Int?

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

/// A client message that is malformed or not supported.
package struct MessageFault: Error, Sendable, Equatable {
    package var code: ErrorCode
    package var message: String

    package init(_ code: ErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension ClientMessage {
    /// Allowed `limit` of a `history` request.
    package static let historyLimit = 1...1000
    /// Allowed interval between two events, in milliseconds.
    package static let intervalLimit = 1...3_600_000

    /// Parses a message; unknown members are ignored.
    package init(_ message: JSON.Value) throws(MessageFault) {
        guard let op = message["op"]?.string else {
            throw MessageFault(.badRequest, "a message must have a member \"op\" (a string)")
        }
        switch op {
        case "auth":
            self = .auth(token: try message.required("token", \.string, "a string"))
        case "subscribe":
            self = .subscribe(try Self.subscriptions(message))
        case "unsubscribe":
            self = .unsubscribe(channel: try message.required("channel", \.string, "a string"))
        case "history":
            let after = try message.number("after", in: .seq)
            let limit = try message.number("limit", in: Self.historyLimit) ?? 100
            self = .history(
                channel: try message.required("channel", \.string, "a string"),
                after: after,
                limit: limit
            )
        case "publish":
            guard let events = message["events"], events.kind == .array else {
                throw MessageFault(.badRequest, "\"events\" is required (an array of events)")
            }
            self = .publish(Array(events.elements))
        case "ping":
            self = .ping
        default:
            throw MessageFault(
                .unknownOp,
                "unknown op \"\(op.cut(to: 64))\"; use auth, subscribe, unsubscribe, history, publish or ping"
            )
        }
    }

    private static func subscriptions(_ message: JSON.Value) throws(MessageFault) -> [SubscriptionRequest] {
        guard let list = message["channels"], !list.isNull else {
            return [try Self.subscription(message)]
        }
        guard list.kind == .array, list.count > 0 else {
            throw MessageFault(.badRequest, "\"channels\" must be an array of at least one subscription")
        }
        var requests: [SubscriptionRequest] = []
        for element in list.elements {
            requests.append(try Self.subscription(element))
        }
        return requests
    }

    private static func subscription(_ value: JSON.Value) throws(MessageFault) -> SubscriptionRequest {
        SubscriptionRequest(
            channel: try value.required("channel", \.string, "a string"),
            since: try value.number("since", in: .seq),
            epoch: try value.optional("epoch", \.string, "a string"),
            snapshot: try value.optional("snapshot", \.bool, "true or false"),
            interval: try value.number("interval", in: Self.intervalLimit, of: "milliseconds")
        )
    }
}

extension JSON.Value {
    fileprivate func required<T>(
        _ name: String,
        _ read: (JSON.Value) -> T?,
        _ expectation: String
    ) throws(MessageFault) -> T {
        guard let value = try self.optional(name, read, expectation) else {
            throw MessageFault(.badRequest, "\"\(name)\" is required (\(expectation))")
        }
        return value
    }

    fileprivate func number(
        _ name: String,
        in range: ClosedRange<Int>,
        of unit: String? = nil
    ) throws(MessageFault) -> Int? {
        guard let member = self[name], !member.isNull else { return nil }
        guard let number = member.integer(in: range) else {
            let given = String(decoding: member.text.prefix(32), as: UTF8.self)
            throw MessageFault(.badRequest, "\"\(name)\" must be \(range.expectation(of: unit)), not \(given)")
        }
        return number
    }

    fileprivate func optional<T>(
        _ name: String,
        _ read: (JSON.Value) -> T?,
        _ expectation: String
    ) throws(MessageFault) -> T? {
        guard let member = self[name], !member.isNull else { return nil }
        guard let value = read(member) else {
            throw MessageFault(.badRequest, "\"\(name)\" must be \(expectation)")
        }
        return value
    }
}

/// A request id chosen by the client: a number or a string, returned exactly as it was sent.
package struct RequestID: Sendable, Equatable {
    /// Maximum length, in bytes of JSON text.
    package static let maxLength = 128

    /// The JSON text.
    package let text: [UInt8]

    /// Nil if the value is neither a number nor a string, or is too long.
    package init?(_ value: JSON.Value) {
        guard value.kind == .number || value.kind == .string, value.text.count <= Self.maxLength else { return nil }
        self.text = Array(value.text)
    }
}

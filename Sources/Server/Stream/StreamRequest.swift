// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import HTTPTypes
import Hub
import Hummingbird
import HummingbirdCore
import JSON

/// The parameters of a stream request.
///
/// `?channel=A&since=5&channel=B`: a parameter applies to the channel before it; parameters before the first channel
/// apply to all.
struct StreamRequest {
    private(set) var channels: [SubscriptionRequest] = []
    /// From the query (RFC 6750 §2.3), the only option for a browser's `EventSource`.
    private(set) var accessToken: String?
    /// The client's position, if it reconnects.
    let lastID: StreamID?
    /// Whether it is an automatic reconnect, as an `EventSource` does after a lost connection.
    let isReturning: Bool
    /// Whether it accepts only a stream, like an `EventSource`: another response stops it permanently.
    let takesStreamOnly: Bool
    let hasTokenInHead: Bool

    private static let last = HTTPField.Name("Last-Event-ID")

    init(_ request: Request) throws(Problem) {
        let last = Self.last.flatMap { request.headers[$0] }.flatMap { $0.isEmpty ? nil : $0 }
        self.isReturning = last != nil
        self.takesStreamOnly = request.headers[.accept]?.contains("text/event-stream") ?? false
        self.hasTokenInHead = request.headers[.authorization] != nil || request.headers[.apiKey] != nil
        self.lastID = last.flatMap { StreamID($0) }
        try self.read(request.uri.queryParameters)
        guard !self.channels.isEmpty else {
            throw Self.bad("name one channel or more, as in /stream?channel=rateChange:BTC/USDT")
        }
        guard self.channels.count <= StreamID.maxChannels else {
            throw Self.bad("a stream has at most \(StreamID.maxChannels) channels; open several")
        }
        guard last == nil || self.lastID != nil else {
            throw Self.bad("Last-Event-ID must be the id of an event of this stream")
        }
        // RFC 6750 §2: a request must not use more than one method.
        guard self.accessToken == nil || !self.hasTokenInHead else {
            throw Self.bad("the token is given twice, as access_token and in the head")
        }
    }

    private mutating func read(_ parameters: FlatDictionary<Substring, Substring>) throws(Problem) {
        var common = SubscriptionRequest(channel: "")
        for (name, value) in parameters {
            switch name {
            case "channel":
                common.channel = String(value)
                self.channels.append(common)
            case "access_token":
                guard self.accessToken == nil else { throw Self.bad("access_token is given more than once") }
                self.accessToken = String(value)
            default:
                if self.channels.isEmpty {
                    try Self.set(name, value, of: &common)
                } else {
                    try Self.set(name, value, of: &self.channels[self.channels.count - 1])
                }
            }
        }
    }

    /// Unknown parameters are ignored.
    private static func set(
        _ name: Substring,
        _ value: Substring,
        of subscription: inout SubscriptionRequest
    ) throws(Problem) {
        switch name {
        case "since":
            guard let since = Int(decimal: value, in: .seq) else {
                throw Self.bad("since is \(ClosedRange.seq.expectation())")
            }
            subscription.since = since
        case "epoch":
            subscription.epoch = String(value)
        case "snapshot":
            switch value {
            case "true": subscription.snapshot = true
            case "false": subscription.snapshot = false
            default: throw Self.bad("snapshot is true or false")
            }
        case "interval":
            let limit = ClientMessage.intervalLimit
            guard let interval = Int(decimal: value, in: limit) else {
                throw Self.bad("interval is from \(limit.lowerBound) to \(limit.upperBound) milliseconds")
            }
            subscription.interval = interval
        default:
            break
        }
    }

    static func bad(_ message: String) -> Problem {
        Problem(.badRequest, code: ErrorCode.badRequest.rawValue, message)
    }
}

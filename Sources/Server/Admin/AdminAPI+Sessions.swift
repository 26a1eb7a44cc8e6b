// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import HTTPTypes
import Hub
import Hummingbird
import HummingbirdCore
import JSON

/// `GET /sessions?user=&behind=true&after=&limit=`, `GET` and `DELETE /sessions/{id}`: the connections of this node.
extension AdminAPI {
    private static let prefix = "/sessions/"

    /// `{"sessions": [{"id", "user", "opened", "expires", "subscriptions", "behind", "writable"}], "next"}`, ascending
    /// by ID; pass `next` as `after` for the next page.
    func sessions(_ request: Request) async throws(Problem) -> Response {
        let parameters = request.uri.queryParameters
        let limit = try Self.limit(parameters["limit"])
        var query = SessionQuery(limit: limit + 1)
        query.user = parameters["user"].map { String($0) }
        query.after = parameters["after"].map { String($0) } ?? ""
        if let text = parameters["behind"] {
            guard let isBehind = Bool(String(text)) else { throw Self.bad("behind is true or false") }
            query.isBehind = isBehind
        }
        let found = await self.hub.sessions(query)
        var writer = JSON.Writer()
        writer.beginObject()
        writer.name("sessions")
        writer.beginArray()
        for report in found.prefix(limit) {
            writer.beginObject()
            writer.members(of: report)
            writer.endObject()
        }
        writer.endArray()
        writer.member("next", orNull: found.count > limit ? found[limit - 1].id : nil)
        writer.endObject()
        return Response(shown: writer)
    }

    /// The same for one session, with `"channels": [{"channel", "seq", "head", "phase"}]`, ascending by channel after
    /// `after`.
    func session(_ request: Request) async throws(Problem) -> Response {
        let id = Self.id(of: request)
        let parameters = request.uri.queryParameters
        let limit = try Self.limit(parameters["limit"])
        guard let (report, subscriptions) = await self.hub.session(id) else { throw Self.none(id) }
        var rest = subscriptions[...]
        if let after = parameters["after"].flatMap({ ChannelName(parsing: String($0)) }) {
            rest = rest.drop { !(after < $0.channel) }
        }
        var writer = JSON.Writer()
        writer.beginObject()
        writer.members(of: report)
        writer.name("channels")
        writer.beginArray()
        for subscription in rest.prefix(limit) {
            writer.beginObject()
            writer.member("channel", string: subscription.channel.description)
            writer.member("seq", integer: subscription.seq)
            writer.member("head", integer: subscription.head)
            writer.member("phase", string: "\(subscription.phase)")
            writer.endObject()
        }
        writer.endArray()
        let last = rest.prefix(limit).last
        writer.member("next", orNull: rest.count > limit ? last?.channel.description : nil)
        writer.endObject()
        return Response(shown: writer)
    }

    /// Closes a connection with 4010; its client may reconnect immediately. 204 once it is in the audit trail.
    func disconnect(_ request: Request) async throws(Problem) -> Response {
        let id = Self.id(of: request)
        guard await self.hub.hasSession(id) else { throw Self.none(id) }
        do throws(TapeFault) {
            try await self.hub.audit.write(
                .disconnect,
                by: Self.operator(request.uri.queryParameters["by"].map { String($0) }),
                on: "session:\(id)",
                detail: ""
            )
        } catch {
            throw Problem(MessageFault(.unavailable, "the audit trail cannot be written now, so nothing was done"))
        }
        guard await self.hub.disconnect(id) else { throw Self.none(id) }
        return Response(status: .noContent)
    }

    private static func id(of request: Request) -> String {
        let raw = String(request.uri.path.rest(after: Self.prefix) ?? "")
        return raw.removingPercentEncoding ?? raw
    }

    private static func none(_ id: String) -> Problem {
        Problem(.notFound, code: "not_found", "this node has no session \(id.cut(to: 100)); it may have ended already")
    }
}

extension JSON.Writer {
    fileprivate mutating func members(of report: SessionReport) {
        self.member("id", string: report.id)
        self.member("user", orNull: report.user)
        self.member("opened", string: report.opened.description)
        self.member("expires", orNull: report.expires?.description)
        self.member("subscriptions", integer: report.subscriptions)
        self.member("behind", integer: report.behind)
        self.member("writable", bool: report.isWritable)
    }
}

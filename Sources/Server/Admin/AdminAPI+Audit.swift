// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Hummingbird
import HummingbirdCore
import JSON

/// `GET /audit?before=&limit=&actor=&action=`: the audit trail, newest first; `next` is the `before` of the next page.
extension AdminAPI {
    func auditTrail(_ request: Request) async throws(Problem) -> Response {
        let parameters = request.uri.queryParameters
        let limit = try Self.limit(parameters["limit"])
        var query = AuditQuery(actor: parameters["actor"].map { String($0) }, limit: limit)
        if let text = parameters["before"] {
            guard let before = Int(decimal: text, in: 1...Int.maxSafe) else {
                throw Self.bad("before is the \"next\" of the previous page")
            }
            query.before = before
        }
        if let text = parameters["action"] {
            guard let action = AuditRecord.Action(rawValue: String(text)) else {
                let known = AuditRecord.Action.allCases.map(\.rawValue).joined(separator: ", ")
                throw Self.bad("action is one of \(known)")
            }
            query.action = action
        }
        if let actor = query.actor, Self.hasControls(actor) { throw Self.bad("actor has control characters") }
        let entries: [AuditEntry]?
        do throws(TapeFault) {
            entries = try await self.hub.audit.entries(query)
        } catch {
            throw Problem(MessageFault(.unavailable, "the audit trail cannot be read now; try again"))
        }
        guard let entries else {
            throw Problem(.notFound, code: "not_found", "a tape in memory keeps no audit trail; it is in the log")
        }
        var writer = JSON.Writer()
        writer.beginObject()
        writer.name("records")
        writer.beginArray()
        for entry in entries {
            writer.beginObject()
            writer.member("id", integer: entry.id)
            writer.member("time", string: entry.record.time.description)
            writer.member("node", string: entry.record.node)
            writer.member("actor", string: entry.record.actor)
            writer.member("action", string: entry.record.action.rawValue)
            writer.member("object", string: entry.record.object)
            writer.member("result", string: entry.record.result)
            writer.member("count", integer: entry.record.count)
            writer.member("detail", string: entry.record.detail)
            writer.endObject()
        }
        writer.endArray()
        writer.name("next")
        if entries.count == limit, let last = entries.last {
            writer.integer(last.id)
        } else {
            writer.null()
        }
        writer.endObject()
        return Response(shown: writer)
    }
}

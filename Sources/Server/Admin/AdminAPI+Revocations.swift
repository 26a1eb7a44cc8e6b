// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Hummingbird
import HummingbirdCore
import JSON

/// `POST`, `GET` and `DELETE /revocations`.
extension AdminAPI {
    private static let bodyBytes = 64 << 10
    private static let defaultLimit = 100
    private static let limits = 1...1_000
    private static let names: [Revocation.Target.Kind: String] = [
        .token: "tokenId", .subject: "subject", .session: "session",
    ]
    /// How long the revocation of a session is kept: the connection is closed immediately, and its ID is never reused.
    private static let sessionKept: Duration = .seconds(86_400)

    /// `{"tokenId" | "subject" | "session", "until"?, "reason"?, "by"?}`, answered with 201 when it is stored in the
    /// database. Without `until` it never expires, or after the maximum lifetime of a token (`max-token-age`).
    func revoke(_ request: Request) async throws(Problem) -> Response {
        let body = try await self.body(of: request)
        guard let target = Self.target({ body[$0]?.string }) else { throw Self.noTarget }
        let now = Timestamp.now
        let longest: Duration? = target.kind == .session ? Self.sessionKept : self.maxTokenAge
        var until = longest.map { now.advanced(by: $0) }
        if let text = body["until"], !text.isNull {
            guard let time = text.string.flatMap({ Timestamp(rfc3339: $0) }), time > now else {
                throw Self.bad("until is a time in the future, such as \"2030-01-31T00:00:00Z\"")
            }
            until = min(time, until ?? time)
        }
        let reason = body["reason"]?.string ?? ""
        guard reason.utf8.count <= Revocation.maxReasonLength, !Self.hasControls(reason) else {
            throw Self.bad("reason has at most \(Revocation.maxReasonLength) bytes and no control characters")
        }
        guard self.hub.revocations.list.count < RevocationList.maxCount else {
            throw Problem(
                .serviceUnavailable,
                code: ErrorCode.overloaded.rawValue,
                "there are \(RevocationList.maxCount) revocations already; lift some, or set max-token-age"
            )
        }
        let revocation = Revocation(target, time: now, until: until, reason: reason)
        try await self.perform(.revoke, by: Self.operator(body["by"]?.string), on: target, detail: reason) {
            () async throws(TapeFault) in
            try await self.hub.revoke([revocation])
        }
        var writer = JSON.Writer()
        Self.write(revocation, to: &writer)
        return Response(shown: writer, status: .created)
    }

    /// Ascending by kind and value; pass `next` as `after` for the next page.
    func revocations(_ request: Request) async throws(Problem) -> Response {
        let parameters = request.uri.queryParameters
        let limit = try Self.limit(parameters["limit"])
        var after: Revocation.Target?
        if let text = parameters["after"] {
            guard let (name, value) = text.split(atFirst: ":"),
                let kind = Revocation.Target.Kind(rawValue: String(name))
            else {
                throw Self.bad("after is the \"next\" of the previous page")
            }
            after = Revocation.Target(kind, String(value))
        }
        let page = self.hub.revocations.list.page(after: after, limit: limit + 1)
        var writer = JSON.Writer()
        writer.beginObject()
        writer.name("revocations")
        writer.beginArray()
        for revocation in page.prefix(limit) { Self.write(revocation, to: &writer) }
        writer.endArray()
        writer.name("next")
        if page.count > limit {
            let last = page[limit - 1].target
            writer.string("\(last.kind.rawValue):\(last.value)")
        } else {
            writer.null()
        }
        writer.endObject()
        return Response(shown: writer)
    }

    /// `?tokenId=`, `?subject=` or `?session=`: 204, or 404 if there is no such revocation.
    func liftRevocation(_ request: Request) async throws(Problem) -> Response {
        let parameters = request.uri.queryParameters
        guard let target = Self.target({ parameters[Substring($0)].map { String($0) } }) else { throw Self.noTarget }
        var wasThere = false
        try await self.perform(
            .liftRevocation,
            by: Self.operator(parameters["by"].map { String($0) }),
            on: target,
            detail: ""
        ) { () async throws(TapeFault) in
            wasThere = try await self.hub.lift(target)
        }
        guard wasThere else {
            throw Problem(.notFound, code: "not_found", "\(target.kind.rawValue) \(target.value) is not revoked")
        }
        return Response(status: .noContent)
    }

    // MARK: Shared helpers

    /// Records the action in the audit trail, then performs it.
    private func perform(
        _ action: AuditRecord.Action,
        by name: String,
        on target: Revocation.Target,
        detail: String,
        _ work: () async throws(TapeFault) -> Void
    ) async throws(Problem) {
        do throws(TapeFault) {
            try await self.hub.audit.write(
                action,
                by: name,
                on: "\(target.kind.rawValue):\(target.value)",
                detail: detail
            )
            try await work()
        } catch {
            throw Problem(MessageFault(.unavailable, "the tape's database cannot be written now; try again"))
        }
    }

    private static var noTarget: Problem {
        self.bad(
            "one of tokenId, subject and session names the target, in 1 to \(Revocation.maxValueLength) bytes "
                + "without control characters"
        )
    }

    static func bad(_ message: String) -> Problem {
        Problem(.badRequest, code: ErrorCode.badRequest.rawValue, message)
    }

    private static func target(_ value: (String) -> String?) -> Revocation.Target? {
        let given = Self.names.compactMap { kind, name in value(name).map { Revocation.Target(kind, $0) } }
        guard given.count == 1, let target = given.first,
            (1...Revocation.maxValueLength).contains(target.value.utf8.count), !Self.hasControls(target.value)
        else { return nil }
        return target
    }

    static func hasControls(_ text: String) -> Bool {
        text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }

    /// The admin port does not authenticate callers; callers can give a name.
    static func `operator`(_ name: String?) -> String {
        guard let name, ChannelName.isValidKey(name) else { return "operator" }
        return name
    }

    static func limit(_ text: Substring?) throws(Problem) -> Int {
        guard let text else { return Self.defaultLimit }
        guard let limit = Int(decimal: text, in: Self.limits) else {
            throw Self.bad("limit is from \(Self.limits.lowerBound) to \(Self.limits.upperBound)")
        }
        return limit
    }

    private func body(of request: Request) async throws(Problem) -> JSON.Value {
        let bytes: [UInt8]
        do {
            bytes = Array(try await request.body.collect(upTo: Self.bodyBytes).readableBytesView)
        } catch {
            throw Self.bad("the body is a JSON object of at most \(Self.bodyBytes) bytes")
        }
        let value = try EventFormat.parse(bytes)
        guard value.kind == .object else { throw Self.bad("the body is a JSON object") }
        return value
    }

    private static func write(_ revocation: Revocation, to writer: inout JSON.Writer) {
        writer.beginObject()
        writer.member(Self.names[revocation.target.kind] ?? "", string: revocation.target.value)
        writer.member("time", string: revocation.time.description)
        if let until = revocation.until { writer.member("until", string: until.description) }
        writer.member("reason", string: revocation.reason)
        writer.endObject()
    }
}

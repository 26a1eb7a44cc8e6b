// SPDX-License-Identifier: Apache-2.0

import DequeModule
package import EventLog
import JSON
package import NIOCore

/// One client connection and its principal: handles the client's requests and checks its permissions.
///
/// Runs on the connection's event loop and is called once per read. Outgoing events do not pass through it; they go
/// from the ``SessionShard`` directly to the connection. A request that has to wait (a token to verify, a channel to
/// open, a page to read) delays only the same client's later requests; publishing does not wait for the commit.
package actor Session: LoopActor {
    /// Limits for a client's pending requests.
    package struct Limits: Sendable {
        /// Maximum number of publish requests that wait for their commit.
        package var publishing = 64
        /// Maximum size of messages received while a request waits, in bytes; beyond it, reading stops.
        package var backlogBytes = 256 << 10

        package init() {}
    }

    package nonisolated let id: String
    package nonisolated let shard: SessionShard
    let hub: Hub
    let transport: any Transport
    private let limits: Limits
    private let mayPublish: Bool
    /// The session's entry in the shard; nil before the session starts and after it has ended.
    private var member: NIOLoopBound<OutboundSession>?
    private(set) var principal: Principal?
    private var backlog = Deque<[UInt8]>()
    private var backlogBytes = 0
    private var isWaiting = false
    private var publishing = 0
    package private(set) var isEnded = false
    private var isHandlingBacklog = false

    package nonisolated var loop: any EventLoop { self.shard.loop }

    init(hub: Hub, shard: SessionShard, transport: any Transport, mayPublish: Bool) {
        // At most 15 bytes, which a string stores inline.
        self.id = "s_" + String(UInt64.random(in: .min ... .max), radix: 36)
        self.hub = hub
        self.shard = shard
        self.transport = transport
        self.limits = hub.configuration.session
        self.mayPublish = mayPublish
    }

    // MARK: - From the connection

    /// The connection was upgraded.
    /// - Parameter token: The token from the upgrade request, if any.
    package func opened(token: String?, now: Timestamp) {
        self.enter(now)
        if let token {
            self.authenticate(token, id: nil)
        }
    }

    /// The connection was opened by a request that has been authenticated already; a nil principal is anonymous.
    package func opened(by principal: Principal?, now: Timestamp) {
        self.enter(now)
        if let principal {
            self.settle(.success(principal), id: nil)
        }
    }

    private func enter(_ now: Timestamp) {
        self.member = self.shard.assumeIsolated { $0.enter(self, transport: self.transport, now: now) }
        self.send(
            .welcome(
                session: self.id,
                node: self.hub.configuration.node,
                heartbeatMilliseconds: self.shard.limits.heartbeat.wholeMilliseconds
            )
        )
    }

    /// Whether more messages should be read from the connection.
    package var takesMessages: Bool {
        self.backlogBytes < self.limits.backlogBytes && self.publishing < self.limits.publishing
    }

    /// Whether the next message can be handled now. If the client does not read its responses, it must wait.
    private var isFree: Bool {
        !self.isWaiting && self.publishing < self.limits.publishing && self.transport.isWritable
    }

    /// A text message arrived.
    package func received(_ message: [UInt8]) {
        guard !self.isEnded else { return }
        if self.isFree, self.backlog.isEmpty {
            self.handle(message)
        } else {
            self.backlog.append(message)
            self.backlogBytes += message.count
        }
    }

    /// The connection is writable again.
    package func becameWritable() {
        guard !self.isEnded else { return }
        self.onShard { $0.becameWritable($1) }
        self.handleBacklog()
    }

    /// A binary message arrived, which the protocol does not allow.
    package func receivedBinary() {
        self.close(.badMessage("messages are JSON text; this one was binary"))
    }

    /// The connection has ended.
    /// - Parameter code: The close code, sent by either side.
    package func ended(code: UInt16 = SessionShardMetrics.noCode) {
        guard !self.isEnded else { return }
        self.isEnded = true
        self.backlog = []
        self.backlogBytes = 0
        self.onShard { $0.exit($1, code: code) }
        self.member = nil
        if let principal = self.principal { self.hub.userConnections.leave(principal.subject) }
    }

    /// The client exceeded its rate limit: the connection is closed with a retry interval.
    /// - Returns: False if the connection stays open, because services are limited by a rate of events instead.
    package func exceededBudget(_ wait: TimeAmount) -> Bool {
        guard !self.isEnded else { return true }
        if let principal = self.principal, principal.mayPublishSomething { return false }
        let milliseconds = Int(clamping: (wait.nanoseconds + 999_999) / 1_000_000)
        self.send(.goodbye(reason: "rate_limited", reconnectAfter: milliseconds))
        self.close(.rateLimited)
        return true
    }

    // MARK: - Requests

    private func handle(_ text: [UInt8]) {
        let message: JSON.Value
        do throws(JSON.Fault) {
            message = try JSON.Value.parse(text)
        } catch {
            return self.close(.badMessage("not JSON: \(error)"))
        }
        guard message.kind == .object else {
            return self.close(.badMessage("a message is a JSON object"))
        }
        let id = message["id"].flatMap { RequestID($0) }
        let request: ClientMessage
        do throws(MessageFault) {
            request = try ClientMessage(message)
        } catch {
            return self.send(.error(id: id, code: error.code, message: error.message))
        }
        switch request {
        case .auth(let token):
            self.authenticate(token, id: id)
        case .subscribe(let requests):
            self.subscribe(requests, id: id)
        case .unsubscribe(let channel):
            self.unsubscribe(channel, id: id)
        case .history(let channel, let after, let limit):
            self.history(channel, after: after, limit: limit, id: id)
        case .publish(let events):
            self.publish(events, id: id)
        case .ping:
            self.send(.pong(id: id))
        }
    }

    private func authenticate(_ token: String, id: RequestID?) {
        switch self.hub.verdict(on: token) {
        case .settled(let result):
            self.settle(result, id: id)
        case .pending(let work):
            self.wait { await self.verified(await work(), id: id) }
        }
    }

    private func verified(_ result: Result<Principal, TokenFault>, id: RequestID?) {
        self.resume { self.settle(result, id: id) }
    }

    private func settle(_ result: Result<Principal, TokenFault>, id: RequestID?) {
        do throws(TokenFault) {
            // The principal may have been revoked during verification; this session was not closed then.
            self.accept(try self.hub.unlessRevoked(result).get(), id: id)
        } catch {
            self.hub.refused(error)
            let (code, message) = error.summary
            self.send(.error(id: id, code: code, message: message))
            // A session that is already authenticated keeps its principal.
            if self.principal == nil { self.close(error.closeReason) }
        }
    }

    private func accept(_ principal: Principal, id: RequestID?) {
        let known = self.principal
        if let known, !known.subject.hasSameBytes(as: principal.subject) {
            let message = "the session belongs to \(known.subject); open a new connection for another user"
            return self.send(.error(id: id, code: .badToken, message: message))
        }
        if self.principal == nil, !self.hub.userConnections.enter(principal.subject) {
            let limit = self.hub.configuration.connectionsPerUser ?? 0
            let message = "a user has at most \(limit) connections"
            self.send(.error(id: id, code: .tooManyConnections, message: message))
            return self.close(.tooManyConnections(limit: limit))
        }
        self.principal = principal
        self.onShard { $0.authenticated($1, principal) }
        self.send(.authenticated(id: id, user: principal.subject, expires: principal.expires))
        if let known, known.scopes != principal.scopes { self.endForbidden() }
    }

    private func publish(_ items: [JSON.Value], id: RequestID?) {
        guard let principal = self.principal else {
            return self.send(.error(id: id, code: .notAuthenticated, message: "publishing needs a token"))
        }
        guard self.mayPublish else {
            return self.send(.error(id: id, code: .forbidden, message: "publishing needs a client certificate"))
        }
        self.publishing += 1
        self.hub.publisher.publish(items, by: principal, over: .socket) { result in
            self.executeNow { $0.published(result, id: id) }
        }
    }

    private func published(_ result: Result<[PublishResult], PublishFault>, id: RequestID?) {
        self.publishing -= 1
        guard !self.isEnded else { return }
        switch result {
        case .success(let results): self.send(.published(id: id, results: results))
        case .failure(let fault): self.send(.error(fault, id: id))
        }
        self.handleBacklog()
    }

    // MARK: - Waiting

    /// Starts asynchronous work; messages that arrive meanwhile wait in the backlog until ``resume()``.
    func wait(_ work: @escaping Nursery.Work) {
        self.isWaiting = true
        if !self.hub.nursery.start(work) {
            self.isWaiting = false
            self.close(.overloaded)
        }
    }

    /// The work started by ``wait(_:)`` has ended: runs the continuation, unless the session has ended meanwhile, and
    /// continues with the backlog.
    func resume(_ next: () -> Void) {
        self.isWaiting = false
        guard !self.isEnded else { return }
        next()
        self.handleBacklog()
    }

    private func handleBacklog() {
        // A request that fails immediately re-enters this method while the previous one is still being handled.
        guard !self.isHandlingBacklog else { return }
        self.isHandlingBacklog = true
        while !self.isEnded, self.isFree, let message = self.backlog.popFirst() {
            self.backlogBytes -= message.count
            self.handle(message)
        }
        self.isHandlingBacklog = false
        if self.takesMessages {
            self.transport.resumeReading()
        }
    }

    /// Accesses the session's connection and subscriptions in the loop's ``SessionShard``. Nil after the session has
    /// ended.
    @discardableResult
    func onShard<Output: Sendable>(_ work: @Sendable (isolated SessionShard, OutboundSession) -> Output) -> Output? {
        guard let member = self.member else { return nil }
        return self.shard.assumeIsolated { work($0, member.value) }
    }

    func send(_ message: ServerMessage) {
        self.onShard { $0.write(message, to: $1) }
    }

    func close(_ reason: CloseReason) {
        if reason.code >= 4500 {
            self.hub.recentErrors.note(.closed, "\(reason.code)", reason.text, subject: self.principal?.subject ?? "")
        }
        self.transport.close(reason)
        self.ended(code: reason.code)
    }
}

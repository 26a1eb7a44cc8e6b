// SPDX-License-Identifier: Apache-2.0

import EventLog
import HTTPTypes
import Hub
import Hummingbird
import HummingbirdCore
import JSON
import NIOCore

/// `GET /stream?channel=…`: what a WebSocket gets, as Server-Sent Events.
///
/// All of the channels can be followed or the request is refused. `Last-Event-ID` resumes each of them.
extension API {
    private static let fields: HTTPFields = {
        var fields: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        // nginx and others would wait for more before they pass events on.
        fields[.accelBuffering] = "no"
        return fields
    }()
    private static let forwardedFor = HTTPField.Name("X-Forwarded-For")
    /// The least time after which a client is asked to come back, in milliseconds; `drain-window` is added at random, so
    /// that the clients of a node that was lost do not all come at once.
    private static let retry = 1_000

    func stream(_ request: Request) async throws(Problem) -> Response {
        let asked = try StreamRequest(request)
        do throws(Problem) {
            return try await self.stream(asked, request)
        } catch {
            guard let answer = Self.lastWord(on: error, to: asked) else { throw error }
            return answer
        }
    }

    private func stream(_ asked: StreamRequest, _ request: Request) async throws(Problem) -> Response {
        let principal: Principal?
        if let token = asked.accessToken {
            do throws(TokenFault) {
                principal = try await self.hub.principal(of: token)
            } catch {
                throw Problem(error)
            }
        } else {
            principal = try await self.principal(of: request)
        }
        let (channels, requests) = try self.subscriptions(asked, by: principal)
        guard request.method == .get, let connection = RequestConnection.current else {
            return Response(status: .ok, headers: Self.fields)
        }
        let forwarded = Self.forwardedFor.map { request.headers[values: $0] } ?? []
        switch await self.open(channels, requests, for: principal, on: connection, forwardedFor: forwarded) {
        case .refused(let problem):
            throw problem
        case .started(let outlet):
            return Response(
                status: .ok,
                headers: Self.fields,
                body: ResponseBody { writer in
                    try await outlet.run()
                    try await writer.finish(nil)
                }
            )
        }
    }

    /// What is to be subscribed to, with the positions that the client comes back with.
    private func subscriptions(
        _ asked: StreamRequest,
        by principal: Principal?
    ) throws(Problem) -> (channels: [(name: ChannelName, position: StreamID.Position?)], [SubscriptionRequest]) {
        var channels: [(name: ChannelName, position: StreamID.Position?)] = []
        var requests: [SubscriptionRequest] = []
        var tags: Set<String> = []
        for var request in asked.channels {
            guard let name = self.hub.channelName(request.channel, of: principal) else {
                throw StreamRequest.bad("a channel is written type:key; \"\(request.channel.cut(to: 64))\" is not")
            }
            do throws(MessageFault) {
                _ = try self.hub.readableType(of: name, by: principal)
            } catch {
                throw Problem(error)
            }
            let tag = StreamID.tag(of: name)
            guard tags.insert(tag).inserted else {
                throw StreamRequest.bad("\(name) stands twice in one stream; name it once, or open two")
            }
            request.channel = name.description
            var position = asked.lastID?.positions[tag]
            if let position {
                request.since = position.seq
                request.epoch = position.epoch
            } else if let since = request.since {
                // The epoch is known when the subscription has begun.
                position = StreamID.Position(epoch: "0", seq: since)
            }
            channels.append((name, position))
            requests.append(request)
        }
        return (channels, requests)
    }

    private func open(
        _ channels: [(name: ChannelName, position: StreamID.Position?)],
        _ requests: [SubscriptionRequest],
        for principal: Principal?,
        on connection: RequestConnection,
        forwardedFor forwarded: [String]
    ) async -> StreamHandler.Opening {
        let channel = connection.channel
        let hub = self.hub
        let retry = Self.retry + Int.random(in: 0...max(0, hub.configuration.drainWindow.wholeMilliseconds))
        do {
            return try await channel.eventLoop.flatSubmit {
                let refusal =
                    Admission.Turndown(hub.unwelcome(on: channel.eventLoop)).map { RequestFault.turnedAway($0).problem }
                if let refusal { return channel.eventLoop.makeSucceededFuture(.refused(refusal)) }
                let handler = StreamHandler(EventStream(channels), on: channel)
                if connection.peer.isTrustedProxy,
                    let turndown = connection.admission.enter(
                        forwardedFor: forwarded,
                        by: connection.peer,
                        until: handler.ending
                    )
                {
                    return handler.refuse(RequestFault.turnedAway(turndown).problem)
                }
                do {
                    let pipeline = channel.pipeline.syncOperations
                    let next = try pipeline.handler(type: LateUpgradeHandler.self)
                    try pipeline.addHandler(handler, position: .before(next))
                } catch {
                    return handler.refuse(Problem(CloseReason.overloaded))
                }
                handler.begin(hub, for: principal, requests, retry: retry)
                return handler.opening
            }.get()
        } catch {
            return .refused(Problem(CloseReason.overloaded))
        }
    }

    // MARK: - Refusing an EventSource

    /// The answer to a client that takes nothing but a stream, where an error would have it do the wrong thing; nil
    /// where the error is right.
    ///
    /// A browser's `EventSource` gives up for good at any status but 200. What passes by itself is therefore a stream
    /// that says when to come back. One that comes back with a token that will never do is told so by 204; who has sent
    /// its token in the head can get another one, and is told what is wrong.
    private static func lastWord(on problem: Problem, to asked: StreamRequest) -> Response? {
        guard asked.takesStreamOnly else { return nil }
        switch problem.status {
        case .serviceUnavailable:
            let seconds = problem.retryAfter ?? 1
            let milliseconds = seconds * 1_000 + Int.random(in: 0...1_000)
            var text = ByteBuffer()
            EventStream.append(retry: milliseconds, to: &text)
            let goodbye = ServerMessage.goodbye(reason: problem.code, reconnectAfter: milliseconds)
            EventStream.append("goodbye", id: nil, goodbye.encoded(), to: &text)
            return Response(status: .ok, headers: Self.fields, body: ResponseBody(byteBuffer: text))
        case .unauthorized, .forbidden:
            guard asked.isReturning, !asked.hasTokenInHead else { return nil }
            return Response(status: .noContent, headers: [.cacheControl: "no-store"])
        default:
            return nil
        }
    }
}

extension HTTPField.Name {
    fileprivate static let accelBuffering = Self("X-Accel-Buffering") ?? .cacheControl
}

extension Problem {
    /// A connection that cannot begin.
    init(_ reason: CloseReason) {
        let code: ErrorCode
        switch reason {
        case .draining, .overloaded, .slowConsumer, .heartbeatTimeout, .disconnected: code = .overloaded
        case .tokenExpired: code = .tokenExpired
        case .badMessage: code = .badRequest
        case .notAuthenticated: code = .badToken
        case .revoked: code = .revoked
        case .tooManyConnections: code = .tooManyConnections
        case .tooManySubscriptions: code = .tooManySubscriptions
        case .rateLimited: code = .rateLimited
        }
        self.init(MessageFault(code, reason.text))
    }
}

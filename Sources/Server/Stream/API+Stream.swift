// SPDX-License-Identifier: Apache-2.0

import EventLog
import HTTPTypes
import Hub
import Hummingbird
import HummingbirdCore
import JSON
import NIOCore

/// `GET /stream?channel=…`: the messages of a WebSocket as Server-Sent Events.
///
/// If one of the channels cannot be subscribed to, the request is refused. `Last-Event-ID` resumes all of them.
extension API {
    private static let fields: HTTPFields = {
        var fields: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        // Disables response buffering of nginx and other proxies.
        fields[.accelBuffering] = "no"
        return fields
    }()
    private static let forwardedFor = HTTPField.Name("X-Forwarded-For")
    /// Minimum reconnection time, in milliseconds. A random part of `drain-window` is added, so that the clients of a
    /// lost node do not all reconnect at once.
    private static let retry = 1_000

    func stream(_ request: Request, on connection: RequestConnection) async throws(Problem) -> Response {
        let asked = try StreamRequest(request)
        do throws(Problem) {
            return try await self.stream(asked, request, on: connection)
        } catch {
            guard let answer = Self.eventSourceFallback(on: error, to: asked) else { throw error }
            return answer
        }
    }

    private func stream(
        _ asked: StreamRequest,
        _ request: Request,
        on connection: RequestConnection
    ) async throws(Problem) -> Response {
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
        guard request.method == .get else { return Response(status: .ok, headers: Self.fields) }
        let forwarded = Self.forwardedFor.map { request.headers[values: $0] } ?? []
        switch await self.open(channels, requests, for: principal, on: connection, forwardedFor: forwarded) {
        case .refused(let problem):
            throw problem
        case .started(let transport):
            return Response(
                status: .ok,
                headers: Self.fields,
                body: ResponseBody { writer in
                    try await transport.run()
                    try await writer.finish(nil)
                }
            )
        }
    }

    /// The requested subscriptions, with the positions from `Last-Event-ID`.
    private func subscriptions(
        _ asked: StreamRequest,
        by principal: Principal?
    ) throws(Problem) -> (channels: [(name: ChannelName, position: StreamID.Position?)], [SubscriptionRequest]) {
        var channels: [(name: ChannelName, position: StreamID.Position?)] = []
        var requests: [SubscriptionRequest] = []
        var tags: Set<String> = []
        for var request in asked.channels {
            guard let name = self.hub.channelName(request.channel, of: principal) else {
                throw StreamRequest.bad("a channel has the form type:key; \"\(request.channel.cut(to: 64))\" does not")
            }
            do throws(MessageFault) {
                _ = try self.hub.readableType(of: name, by: principal)
            } catch {
                throw Problem(error)
            }
            let tag = StreamID.tag(of: name)
            guard tags.insert(tag).inserted else {
                throw StreamRequest.bad("\(name) is given twice; name it once, or open two streams")
            }
            request.channel = name.description
            var position = asked.lastID?.positions[tag]
            if let position {
                request.since = position.seq
                request.epoch = position.epoch
            } else if let since = request.since {
                // The epoch is known once the subscription has begun.
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
                    Admission.ConnectionRejection(hub.rejection(on: channel.eventLoop)).map {
                        RequestFault.turnedAway($0).problem
                    }
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
                    let observer = try pipeline.handler(type: ResponseObserver.self)
                    try pipeline.addHandler(handler, position: .before(observer))
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

    // MARK: - EventSource errors

    /// The response for a client that accepts only a stream, if an error response would have the wrong effect; nil if
    /// the error is right.
    ///
    /// A browser's `EventSource` never reconnects after a status other than 200. Temporary errors are therefore sent as
    /// a stream that says when to reconnect. A client that reconnects with a permanently invalid token gets 204, which
    /// stops it. A client that sends its token in a header field can get another one, so it gets the error.
    private static func eventSourceFallback(on problem: Problem, to asked: StreamRequest) -> Response? {
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
    /// A connection that cannot be opened.
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

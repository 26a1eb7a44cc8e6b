// SPDX-License-Identifier: Apache-2.0

import EventLog
import HTTPTypes
import Hub
import Hummingbird
import JSON
import NIOCore

/// `POST /events`.
extension API {
    /// Handles a request as part of its trace.
    func traced(
        _ request: Request,
        _ work: (TraceContext?) async throws(Problem) -> Response
    ) async throws(Problem) -> Response {
        let parent = self.trace(of: request)
        guard let tracing = self.hub.tracing, let accepting = tracing.accept(parent) else {
            return try await work(parent)
        }
        do throws(Problem) {
            let response = try await work(accepting.context)
            tracing.accepted(accepting, by: "http", failure: nil)
            return response
        } catch {
            tracing.accepted(accepting, by: "http", failure: error.code)
            throw error
        }
    }

    /// The trace named in the head of a request. A signature does not cover the head, so the head of a signed request
    /// does not apply to its events.
    private func trace(of request: Request) -> TraceContext? {
        guard
            request.headers[.signature] == nil || request.headers[.authorization] != nil
                || request.headers[.apiKey] != nil
        else { return nil }
        return HTTPField.Name("traceparent").flatMap { request.headers[$0] }.flatMap { TraceContext($0) }
    }

    /// - Parameter trace: The trace of events that do not name one themselves.
    func publish(_ request: Request, from peer: Peer, trace: TraceContext?) async throws(Problem) -> Response {
        guard peer.mayPublish else {
            throw Problem(.forbidden, code: ErrorCode.forbidden.rawValue, "publishing needs a client certificate")
        }
        let (publisher, format, body, signature) = try await self.authenticated(request)
        let items = try format.items(in: body, fields: request.headers)
        if signature != nil { try format.checkSigned(items) }
        let events: [Event]
        do throws(IntakeFault) {
            events = try self.hub.intake.events(
                from: items,
                publisher: publisher,
                now: .now,
                trace: trace,
                idPrefix: signature?.name(of: body)
            )
        } catch {
            self.hub.publishingRefused(items, by: publisher, error)
            throw Problem(error)
        }
        if let wait = self.hub.publishRates.take(events.count, for: publisher.subject) {
            var problem = Problem(
                .tooManyRequests,
                code: ErrorCode.rateLimited.rawValue,
                "\(publisher.subject) exceeds its publish rate"
            )
            problem.retryAfter = max(1, Int(clamping: (wait.nanoseconds + 999_999_999) / 1_000_000_000))
            throw problem
        }
        let result: Result<AppendOutcome, AppendFault>
        do throws(AppendFault) {
            result = .success(try await self.hub.writer.append(events))
        } catch {
            result = .failure(error)
        }
        self.hub.settled(events, by: publisher, result)
        switch PublishOutcome(events: events, result) {
        case .published(let results):
            var writer = JSON.Writer(reservingCapacity: 160 * results.count)
            writer.beginObject()
            writer.results(results)
            writer.endObject()
            return Response(json: writer)
        case .conflict(let items):
            throw Problem(IntakeFault.items(items))
        case .refused(let fault):
            throw Problem(fault)
        case .failed(let fault):
            throw Problem(fault)
        }
    }

    /// Authenticates a request by its token or by the signature of its body, and returns its publisher and content.
    private func authenticated(
        _ request: Request
    ) async throws(Problem) -> (publisher: Principal, format: EventFormat, body: [UInt8], signature: WebhookSignature?)
    {
        if let publisher = try await self.principal(of: request) {
            let format = try EventFormat(request.headers)
            return (publisher, format, try await self.body(of: request), nil)
        }
        let fields = request.headers[values: .signature]
        guard !fields.isEmpty else {
            throw Problem(
                .unauthorized,
                code: ErrorCode.notAuthenticated.rawValue,
                "publishing needs a token with the scope publish:<type>, an API key, or a signature"
            )
        }
        let signature: WebhookSignature
        do throws(TokenFault) {
            signature = try WebhookSignature(fields)
            // Before waiting for the body.
            try signature.checkAge(now: .now)
        } catch {
            throw Problem(error)
        }
        let format = try EventFormat(request.headers)
        try format.checkSigned()
        let body = try await self.body(of: request)
        do throws(TokenFault) {
            let signer = try self.services.signer(of: body, signature, now: .now)
            return (try self.hub.unlessRevoked(.success(signer)).get(), format, body, signature)
        } catch {
            throw Problem(error)
        }
    }

    private func body(of request: Request) async throws(Problem) -> [UInt8] {
        if let length = request.headers[.contentLength].flatMap({ Int(decimal: $0, in: .seq) }), length > self.bodyBytes
        {
            throw self.tooLarge
        }
        do {
            let body = try await request.body.collect(upTo: self.bodyBytes)
            return Array(body.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw self.tooLarge
        } catch {
            throw Problem(.badRequest, code: ErrorCode.badRequest.rawValue, "the body ended early")
        }
    }

    private var tooLarge: Problem {
        Problem(
            .contentTooLarge,
            code: ErrorCode.tooLarge.rawValue,
            "a request has at most \(self.bodyBytes) bytes; send the events in several"
        )
    }
}

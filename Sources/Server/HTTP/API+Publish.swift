// SPDX-License-Identifier: Apache-2.0

import EventLog
import HTTPTypes
import Hub
import Hummingbird
import JSON
import NIOCore

/// `POST /events`.
extension API {
    /// The trace named in the head of a request. A signature does not cover the head, so the head of a signed request
    /// does not apply to its events.
    private func trace(of request: Request) -> TraceContext? {
        guard
            request.headers[.signature] == nil || request.headers[.authorization] != nil
                || request.headers[.apiKey] != nil
        else { return nil }
        return HTTPField.Name("traceparent").flatMap { request.headers[$0] }.flatMap { TraceContext($0) }
    }

    func publish(_ request: Request, from peer: Peer) async throws(Problem) -> Response {
        guard peer.mayPublish else {
            throw Problem(.forbidden, code: ErrorCode.forbidden.rawValue, "publishing needs a client certificate")
        }
        let (publisher, format, body, signature) = try await self.authenticated(request)
        let items = try format.items(in: body, fields: request.headers)
        if signature != nil { try format.checkSigned(items) }
        let results: [PublishResult]
        do throws(PublishFault) {
            results = try await self.hub.publisher.publish(
                items,
                by: publisher,
                over: .http,
                trace: self.trace(of: request),
                idPrefix: signature?.name(of: body)
            )
        } catch {
            throw Problem(error)
        }
        var writer = JSON.Writer(reservingCapacity: 160 * results.count)
        writer.beginObject()
        writer.results(results)
        writer.endObject()
        return Response(json: writer)
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

// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import Hummingbird
import JSON
import NIOCore

/// `POST /events`.
extension API {
    func publish(_ request: Request) async throws(Problem) -> Response {
        guard let publisher = try await self.principal(of: request) else {
            throw Problem(
                .unauthorized,
                code: ErrorCode.notAuthenticated.rawValue,
                "publishing needs a token with the scope publish:<type>"
            )
        }
        guard Peer.current?.mayPublish ?? true else {
            throw Problem(.forbidden, code: ErrorCode.forbidden.rawValue, "publishing needs a client certificate")
        }
        let format = try EventFormat(request.headers)
        let body = try await self.body(of: request)
        let items = try format.items(in: body, fields: request.headers)
        let events: [Event]
        do throws(IntakeFault) {
            events = try self.hub.intake.events(from: items, publisher: publisher, now: .now)
        } catch {
            throw Problem(error)
        }
        if let wait = self.hub.publishRates.take(events.count, for: publisher.subject) {
            var problem = Problem(
                .tooManyRequests,
                code: ErrorCode.rateLimited.rawValue,
                "\(publisher.subject) publishes too fast"
            )
            problem.retryAfter = max(1, Int((wait.nanoseconds + 999_999_999) / 1_000_000_000))
            throw problem
        }
        let result: Result<AppendOutcome, AppendFault>
        do throws(AppendFault) {
            result = .success(try await self.hub.writer.append(events))
        } catch {
            result = .failure(error)
        }
        switch PublishOutcome(events: events, result) {
        case .published(let results):
            var writer = JSON.Writer(reservingCapacity: 160 * results.count)
            writer.beginObject()
            writer.results(results)
            writer.endObject()
            return Response(json: writer)
        case .conflict(let items):
            throw Problem(IntakeFault.items(items))
        case .failed(let fault):
            throw Problem(fault)
        }
    }

    private func body(of request: Request) async throws(Problem) -> [UInt8] {
        if let length = request.headers[.contentLength].flatMap(Int.init), length > self.bodyBytes {
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

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Hummingbird
import JSON

/// `GET /dead-letters?limit=`: messages of outside publishers that could not become events, newest first.
extension AdminAPI {
    func deadLetters(_ request: Request) async throws(Problem) -> Response {
        let limit = try Self.limit(request.uri.queryParameters["limit"])
        do throws(TapeFault) {
            let deadLetters = try await self.hub.fanIn?.deadLetters(limit: limit) ?? []
            return Response(shown: Self.json(of: deadLetters))
        } catch {
            throw Problem(MessageFault(.unavailable, "the dead letters cannot be read now; try again"))
        }
    }

    /// Payloads are untrusted and given as text, with invalid UTF-8 replaced.
    private static func json(of deadLetters: [DeadLetter]) -> JSON.Writer {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.name("letters")
        writer.beginArray()
        for letter in deadLetters {
            writer.beginObject()
            writer.member("received", string: letter.received.description)
            writer.member("channel", string: letter.channel)
            writer.member("reason", string: letter.reason)
            writer.member("payload", string: String(decoding: letter.payload, as: UTF8.self))
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer
    }
}

// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import JSON

/// Format of the events in a publish request.
enum EventFormat: Equatable {
    /// One event, or an array of them.
    case json
    /// One event per line.
    case lines
    /// CloudEvents 1.0, JSON format, one event.
    case cloudEvent
    /// CloudEvents 1.0, JSON batch format.
    case cloudEventBatch
    /// CloudEvents 1.0, HTTP binary content mode: attributes in `ce-` fields, `data` in the body.
    case cloudEventBinary

    init(_ fields: HTTPFields) throws(Problem) {
        let mediaType = fields[.contentType]?.prefix { $0 != ";" }.lowercased().filter { $0 != " " } ?? ""
        switch mediaType {
        case "application/json":
            self = CloudEvent.isBinary(fields) ? .cloudEventBinary : .json
        case "application/x-ndjson":
            self = .lines
        case "application/cloudevents+json":
            self = .cloudEvent
        case "application/cloudevents-batch+json":
            self = .cloudEventBatch
        default:
            let given = mediaType.isEmpty ? "there is no Content-Type" : "\(mediaType) is not supported"
            throw Problem(
                .unsupportedMediaType,
                code: "unsupported_media_type",
                given + "; send application/json, application/x-ndjson, application/cloudevents+json"
                    + " or application/cloudevents-batch+json"
            )
        }
    }

    /// The events of a body, each as a JSON object for ``EventValidator``.
    func items(in body: [UInt8], fields: HTTPFields) throws(Problem) -> [JSON.Value] {
        switch self {
        case .json:
            let value = try Self.parse(body)
            return value.kind == .array ? Array(value.elements) : [value]
        case .lines:
            return try Self.lines(of: body)
        case .cloudEvent:
            return [try CloudEvent.plain(try Self.parse(body), index: 0)]
        case .cloudEventBatch:
            let batch = try Self.parse(body)
            guard batch.kind == .array else {
                throw Problem(.badRequest, code: ErrorCode.badRequest.rawValue, "a batch is an array of events")
            }
            var items: [JSON.Value] = []
            for element in batch.elements {
                items.append(try CloudEvent.plain(element, index: items.count))
            }
            return items
        case .cloudEventBinary:
            return [try CloudEvent.plain(fields, data: try Self.parse(body))]
        }
    }

    /// Checks that the format is allowed for a signed request. The signature covers only the body, so the meaning of
    /// the body must not depend on header fields.
    /// - Parameter items: The result of ``items(in:fields:)``, once the body is available.
    func checkSigned(_ items: [JSON.Value] = []) throws(Problem) {
        switch self {
        case .cloudEventBinary:
            throw Self.unsigned("a signature does not cover ce- fields; sign a CloudEvent in structured mode")
        case .json, .lines:
            guard !items.contains(where: { $0["specversion"] != nil }) else {
                throw Self.unsigned("a signed CloudEvent must not be sent in another format")
            }
        case .cloudEvent, .cloudEventBatch:
            break
        }
    }

    private static func unsigned(_ message: String) -> Problem {
        Problem(
            .badRequest,
            code: ErrorCode.badRequest.rawValue,
            message + ": application/cloudevents+json or application/cloudevents-batch+json"
        )
    }

    static func parse(_ bytes: [UInt8]) throws(Problem) -> JSON.Value {
        do throws(JSON.Fault) {
            return try JSON.Value.parse(bytes)
        } catch {
            throw Problem(.badRequest, code: ErrorCode.badRequest.rawValue, "not JSON: \(error)")
        }
    }

    private static func lines(of body: [UInt8]) throws(Problem) -> [JSON.Value] {
        var items: [JSON.Value] = []
        var start = 0
        var number = 0
        while start < body.count {
            let end = body[start...].firstIndex(of: 0x0A) ?? body.count
            number += 1
            if body[start..<end].contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) {
                do throws(JSON.Fault) {
                    items.append(try JSON.Value.parse(body, in: start..<end))
                } catch {
                    throw Problem(
                        .badRequest,
                        code: ErrorCode.badRequest.rawValue,
                        "line \(number) is not JSON: \(error)"
                    )
                }
            }
            start = end + 1
        }
        return items
    }
}

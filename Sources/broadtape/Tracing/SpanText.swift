// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON

/// Spans in OTLP/JSON (opentelemetry-proto 1, `ExportTraceServiceRequest`).
enum SpanText {
    /// `STATUS_CODE_ERROR`.
    private static let errorStatus = 2

    /// - Parameter node: Becomes `service.instance.id`.
    static func request(_ spans: [Span], node: String) -> [UInt8] {
        var writer = JSON.Writer(reservingCapacity: 512 * spans.count)
        writer.beginObject()
        Self.list("resourceSpans", &writer) { writer in
            writer.name("resource")
            writer.beginObject()
            Self.write(
                [("service.name", .text("broadtape")), ("service.instance.id", .text(node))],
                to: &writer
            )
            writer.endObject()
            Self.list("scopeSpans", &writer) { writer in
                writer.name("scope")
                writer.beginObject()
                writer.member("name", string: "broadtape")
                writer.endObject()
                writer.name("spans")
                writer.beginArray()
                for span in spans { Self.write(span, to: &writer) }
                writer.endArray()
            }
        }
        writer.endObject()
        return writer.bytes
    }

    /// A member that is an array of one object.
    private static func list(_ name: String, _ writer: inout JSON.Writer, _ content: (inout JSON.Writer) -> Void) {
        writer.name(name)
        writer.beginArray()
        writer.beginObject()
        content(&writer)
        writer.endObject()
        writer.endArray()
    }

    private static func write(_ span: Span, to writer: inout JSON.Writer) {
        writer.beginObject()
        writer.member("traceId", string: span.context.traceID)
        writer.member("spanId", string: span.context.spanID)
        if let parentID = span.parentID { writer.member("parentSpanId", string: parentID) }
        writer.member("name", string: span.name)
        writer.member("kind", integer: span.kind.rawValue)
        // 64-bit integers are strings in protobuf's JSON.
        writer.member("startTimeUnixNano", string: String(span.start.nanoseconds))
        writer.member("endTimeUnixNano", string: String(span.end.nanoseconds))
        Self.write(span.attributes, to: &writer)
        if let failure = span.failure {
            writer.name("status")
            writer.beginObject()
            writer.member("code", integer: Self.errorStatus)
            writer.member("message", string: failure)
            writer.endObject()
        }
        writer.endObject()
    }

    private static func write(_ attributes: [(name: String, value: Span.Attribute)], to writer: inout JSON.Writer) {
        writer.name("attributes")
        writer.beginArray()
        for (name, value) in attributes {
            writer.beginObject()
            writer.member("key", string: name)
            writer.name("value")
            writer.beginObject()
            switch value {
            case .text(let text): writer.member("stringValue", string: text)
            case .integer(let number): writer.member("intValue", string: String(number))
            }
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }
}

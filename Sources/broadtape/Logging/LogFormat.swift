// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Logging
import SafeText
import Terminal

/// Format of log lines. Text from outside is escaped, so that it cannot end a line or control a terminal.
enum LogFormat: String, CaseIterable {
    /// For humans.
    case text
    /// One JSON object per line, for log collectors: `time`, `level`, `logger`, `message`, and the metadata under
    /// `context`.
    case json

    static let expectation = "one of " + Self.allCases.map(\.rawValue).joined(separator: ", ")

    /// Sets the format of all loggers of the process.
    /// - Parameter errors: Records warnings and errors as well.
    func begin(noting errors: RecentErrors? = nil) {
        StandardStream.error.noticeDrops { count in
            let message = "log lines were dropped"
            errors?.note(.warning, message, "they could not be written, or not in time")
            return self.line(at: .now, .warning, from: "broadtape", "Terminal", message, ["lines": "\(count)"])
        }
        LoggingSystem.bootstrap { label in
            let handler = LineLogHandler(label: label, format: self)
            return errors.map { NotingLogHandler(handler, errors: $0) } ?? handler
        }
    }

    /// One whole line, with its end.
    func line(
        at time: Timestamp,
        _ level: Logger.Level,
        from label: String,
        _ source: String,
        _ message: String,
        _ context: Logger.Metadata
    ) -> [UInt8] {
        let message = Redaction.text(message)
        switch self {
        case .text:
            let parts =
                ["\(time) \(level) \(label):"]
                + context.sorted { $0.key < $1.key }.map { "\(Escape.text($0.key))=\(Self.word("\($0.value)"))" }
                + ["[\(source)] \(Escape.text(message))"]
            return Array((parts.joined(separator: " ") + "\n").utf8)
        case .json:
            var writer = JSON.Writer()
            writer.beginObject()
            writer.member("time", string: time.description)
            writer.member("level", string: level.rawValue)
            writer.member("logger", string: label)
            writer.member("message", string: message)
            if !context.isEmpty {
                writer.name("context")
                Self.write(context, to: &writer)
            }
            writer.endObject()
            return Array((Escape.text(String(decoding: writer.bytes, as: UTF8.self)) + "\n").utf8)
        }
    }

    /// A value as one word: quoted if it contains spaces, quotes or equals signs.
    private static func word(_ value: String) -> String {
        let value = Escape.text(Redaction.text(value))
        guard value.isEmpty || value.utf8.contains(where: { " \"=".utf8.contains($0) }) else { return value }
        return "\"\(value.replacing("\"", with: "\\\""))\""
    }

    private static func write(_ metadata: Logger.Metadata, to writer: inout JSON.Writer) {
        writer.beginObject()
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            writer.name(name)
            Self.write(value, to: &writer)
        }
        writer.endObject()
    }

    private static func write(_ value: Logger.MetadataValue, to writer: inout JSON.Writer) {
        switch value {
        case .string(let text): writer.string(Redaction.text(text))
        case .stringConvertible(let value): writer.string(Redaction.text("\(value)"))
        case .dictionary(let members): Self.write(members, to: &writer)
        case .array(let elements):
            writer.beginArray()
            for element in elements { Self.write(element, to: &writer) }
            writer.endArray()
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hub
import JSON
import Logging

/// Writes each line as one JSON object: `time`, `level`, `logger`, `message`, and what the line says besides under
/// `context`.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let write: @Sendable ([UInt8]) -> Void

    /// - Parameter write: Takes one whole line, with its end; standard error unless told.
    init(label: String, write: @escaping @Sendable ([UInt8]) -> Void = Self.writeToStandardError) {
        self.label = label
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var context = self.metadata
        if let provided = self.metadataProvider?.get() { context.merge(provided) { $1 } }
        if let more = event.metadata { context.merge(more) { $1 } }
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("time", string: Timestamp.now.description)
        writer.member("level", string: event.level.rawValue)
        writer.member("logger", string: self.label)
        writer.member("message", string: event.message.description)
        if !context.isEmpty {
            writer.name("context")
            Self.write(context, to: &writer)
        }
        writer.endObject()
        self.write(writer.bytes + [0x0A])
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
        case .string(let text): writer.string(text)
        case .stringConvertible(let value): writer.string("\(value)")
        case .dictionary(let members): Self.write(members, to: &writer)
        case .array(let elements):
            writer.beginArray()
            for element in elements { Self.write(element, to: &writer) }
            writer.endArray()
        }
    }

    /// One call a line, so that lines of several threads do not mix.
    static func writeToStandardError(_ line: [UInt8]) {
        FileHandle.standardError.write(Data(line))
    }
}

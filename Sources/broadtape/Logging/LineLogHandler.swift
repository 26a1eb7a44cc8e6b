// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging
import Terminal

/// Writes each log event as one line to standard error, without ever waiting for the reader.
struct LineLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: LogFormat

    init(label: String, format: LogFormat) {
        self.label = label
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var context = self.metadata
        if let provided = self.metadataProvider?.get() { context.merge(provided) { $1 } }
        if let more = event.metadata { context.merge(more) { $1 } }
        if let error = event.error { context["error"] = "\(error)" }
        StandardStream.error.post(
            self.format.line(
                at: .now,
                event.level,
                from: self.label,
                event.source,
                event.message.description,
                context
            )
        )
    }
}

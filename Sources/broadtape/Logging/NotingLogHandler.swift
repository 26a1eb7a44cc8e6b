// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging
import SafeText

/// Forwards lines to another handler, and records warnings and errors for the operators' page.
struct NotingLogHandler: LogHandler {
    private var handler: any LogHandler
    private let errors: RecentErrors

    init(_ handler: any LogHandler, errors: RecentErrors) {
        self.handler = handler
        self.errors = errors
    }

    var logLevel: Logger.Level {
        get { self.handler.logLevel }
        set { self.handler.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { self.handler.metadata }
        set { self.handler.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { self.handler.metadataProvider }
        set { self.handler.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.handler[metadataKey: key] }
        set { self.handler[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        if event.level >= .warning {
            let context = (event.metadata ?? [:]).sorted { $0.key < $1.key }
            self.errors.note(
                event.level >= .error ? .error : .warning,
                Redaction.text(event.message.description),
                context.map { "\($0.key): \(Redaction.text("\($0.value)"))" }.joined(separator: ", ")
            )
        }
        self.handler.log(event: event)
    }
}

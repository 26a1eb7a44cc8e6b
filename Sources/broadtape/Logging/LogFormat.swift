// SPDX-License-Identifier: Apache-2.0

import Logging

/// How log lines are written.
enum LogFormat: String, CaseIterable {
    /// For humans.
    case text
    /// One JSON object a line, for programs that gather them.
    case json

    static let expectation = "one of " + Self.allCases.map(\.rawValue).joined(separator: ", ")

    /// Makes the handler of a logger.
    var handler: @Sendable (String) -> any LogHandler {
        switch self {
        case .text: { StreamLogHandler.standardError(label: $0) }
        case .json: { JSONLogHandler(label: $0) }
        }
    }
}

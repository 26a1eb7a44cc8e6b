// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Foundation
import SafeText

/// An error that says several things, each in a line of its own.
package protocol ManyComplaints: Error {
    var errors: [String] { get }
    var exitCode: ExitCode { get }
}

extension AsyncParsableCommand {
    /// Parses the command line, runs the command and ends with its status. What an error says goes to the standard error
    /// without secrets and without anything a terminal would obey.
    package static func runAsProgram() async {
        StandardStream.prepare()
        do {
            var command = try await Self.asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Self.tell(of: error)
            Self.end((error as? any ManyComplaints)?.exitCode ?? Self.exitCode(for: error))
        }
        Self.end(.success)
    }

    private static func tell(of error: any Error) {
        let text = Self.fullMessage(for: error, columns: nil)
        guard !text.isEmpty else { return }
        switch Self.exitCode(for: error) {
        case .success:
            // Help.
            StandardStream.output.write(Array((text + "\n").utf8))
        case .failure where !(error is any ManyComplaints):
            StandardStream.error.post(Array((Escape.text(Redaction.text(text)) + "\n").utf8))
        default:
            StandardStream.error.post(Array((Escape.lines(Redaction.text(text)) + "\n").utf8))
        }
    }

    private static func end(_ code: ExitCode) -> Never {
        StandardStream.output.flush()
        StandardStream.error.flush()
        Foundation.exit(code.rawValue)
    }
}

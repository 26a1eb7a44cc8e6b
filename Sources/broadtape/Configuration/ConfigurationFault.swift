// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog
import SafeText
import Terminal

/// All errors found in the configuration, each with advice.
struct ConfigurationFault: ManyComplaints, CustomStringConvertible {
    var errors: [String]
    var exitCode = ExitCode.failure
    /// Whether what is stored is damaged.
    private var isDamage = false

    init(_ errors: [String]) {
        self.errors = errors
    }

    init(_ message: String) {
        self.errors = [message]
    }

    init(_ fault: TapeFault) {
        self.init(fault.explanation)
        self.isDamage = fault.isDamage
    }

    /// Makes a check whose exit status says its result. A check that could not be made does not end like one that found
    /// something.
    static func unlessUnchecked(_ check: () async throws -> Void) async throws {
        do {
            try await check()
        } catch var fault as ConfigurationFault {
            if !fault.isDamage { fault.exitCode = Self.unchecked }
            throw fault
        }
    }

    /// The status of a check that could not be made.
    static let unchecked = ExitCode(2)

    var description: String {
        self.errors.map { Escape.text(Redaction.text($0)) }.joined(separator: "\n")
    }
}

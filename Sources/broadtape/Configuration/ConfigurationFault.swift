// SPDX-License-Identifier: Apache-2.0

import SafeText
import Terminal

/// All errors found in the configuration, each with advice.
struct ConfigurationFault: ManyComplaints, CustomStringConvertible {
    var errors: [String]

    init(_ errors: [String]) {
        self.errors = errors
    }

    init(_ message: String) {
        self.errors = [message]
    }

    var description: String {
        self.errors.map { Escape.text(Redaction.text($0)) }.joined(separator: "\n")
    }
}

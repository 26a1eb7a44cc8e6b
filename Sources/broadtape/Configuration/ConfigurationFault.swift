// SPDX-License-Identifier: Apache-2.0

import SafeText
import Terminal

/// All errors found in the configuration, each with advice.
struct ConfigurationFault: ManyComplaints, CustomStringConvertible {
    var complaints: [String]

    init(_ complaints: [String]) {
        self.complaints = complaints
    }

    init(_ complaint: String) {
        self.complaints = [complaint]
    }

    var description: String {
        self.complaints.map { Escape.text(Redaction.text($0)) }.joined(separator: "\n")
    }
}

// SPDX-License-Identifier: Apache-2.0

import SafeText
import Terminal

/// What is wrong with the configuration; every fault that was found, each with what to do.
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

// SPDX-License-Identifier: Apache-2.0

/// What is wrong with the configuration; every fault that was found, each with what to do.
struct ConfigurationFault: Error, CustomStringConvertible {
    var complaints: [String]

    init(_ complaints: [String]) {
        self.complaints = complaints
    }

    init(_ complaint: String) {
        self.complaints = [complaint]
    }

    var description: String {
        self.complaints.joined(separator: "\n")
    }
}

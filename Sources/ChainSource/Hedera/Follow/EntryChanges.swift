// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Changes of a step to the entries with a common name prefix.
struct EntryChanges: Sendable, Equatable {
    let prefix: String
    private(set) var puts: [String: [UInt8]] = [:]
    private(set) var removals: Set<String> = []

    init(prefix: String) {
        self.prefix = prefix
    }

    var isEmpty: Bool {
        self.puts.isEmpty && self.removals.isEmpty
    }

    mutating func put(_ name: String, _ value: [UInt8]) {
        self.removals.remove(name)
        self.puts[name] = value
    }

    mutating func remove(_ name: String) {
        self.puts[name] = nil
        self.removals.insert(name)
    }

    func add(to step: inout SourceStep) {
        for (name, value) in self.puts.sorted(by: { $0.key < $1.key }) {
            step.puts.append(SourceEntry(name: self.prefix + name, value: value))
        }
        step.removals += self.removals.sorted().map { self.prefix + $0 }
    }
}

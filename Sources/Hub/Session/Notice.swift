// SPDX-License-Identifier: Apache-2.0

import JSON

/// Service status for clients, sent in heartbeats for as long as there is a problem.
package struct Notice: Sendable, Equatable {
    /// Maximum number of sources per type in one heartbeat.
    package static let maxSources = 20

    /// Events cannot be committed at the moment.
    package var isPaused = false
    /// Stale sources by the event type they publish, ascending; at most ``maxSources`` per type.
    package private(set) var stale: [String: [String]] = [:]

    private var staleByOrigin: [Origin: [StaleSource]] = [:]

    /// Which component reports the sources.
    package enum Origin: Sendable {
        case fanIn
        case ownSources
    }

    package init(isPaused: Bool = false, stale: [StaleSource] = []) {
        self.isPaused = isPaused
        self.setStale(stale, of: .fanIn)
    }

    package mutating func setStale(_ sources: [StaleSource], of origin: Origin) {
        self.staleByOrigin[origin] = sources.sorted { $0.name.precedes($1.name) }
        var stale: [String: [String]] = [:]
        let all = self.staleByOrigin.values.flatMap(\.self)
        for source in all.sorted(by: { $0.name.precedes($1.name) }) {
            for type in source.types where stale[type, default: []].count < Self.maxSources {
                stale[type, default: []].append(source.name)
            }
        }
        self.stale = stale
    }

    /// Whether there is nothing to report.
    package var isClear: Bool {
        !self.isPaused && self.stale.isEmpty
    }
}

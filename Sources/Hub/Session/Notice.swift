// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import Synchronization

/// What sessions are told of trouble, in heartbeats, for as long as it lasts.
package struct Notice: Sendable, Equatable {
    /// Sources named in one heartbeat at most.
    package static let maxSources = 20

    /// Events cannot be committed now.
    package var isPaused = false
    /// The sources that have fallen silent, by the event type they feed; ascending, at most ``maxSources`` of each.
    package private(set) var stale: [String: [String]] = [:]

    private var staleByOrigin: [Origin: [StaleSource]] = [:]

    /// Who tells of sources.
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

    /// Whether there is nothing to tell.
    package var isClear: Bool {
        !self.isPaused && self.stale.isEmpty
    }
}

/// Where the present ``Notice`` hangs for the loops to see.
final class NoticeBoard: Sendable {
    private let notice = Mutex(Notice())
    private let rosters: [Roster]

    init(rosters: [Roster]) {
        self.rosters = rosters
    }

    var current: Notice {
        self.notice.withLock { $0 }
    }

    /// Changes the notice, from any thread, and has the loops look at it.
    func change(_ body: (inout Notice) -> Void) {
        let hasChanged = self.notice.withLock { notice in
            let before = notice
            body(&notice)
            return notice != before
        }
        guard hasChanged else { return }
        for roster in self.rosters {
            // Looked up there and then: two changes in a row may arrive in either order.
            roster.loop.execute {
                roster.assumeIsolated { $0.noticed(self.current) }
            }
        }
    }
}

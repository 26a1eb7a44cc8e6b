// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import Synchronization

/// Where the sources that run inside this node tell how they are: for monitoring, for the operators' page, and for
/// the subscribers of what they feed, who learn that a source is stale.
///
/// Sources are few and come from the configuration, so the board is bounded by it. From any thread.
package final class SourceBoard: Sendable {
    private let reports = Mutex<[ExactText: SourceReport]>([:])
    private let tellStale: @Sendable ([StaleSource]) -> Void

    /// - Parameter tellStale: Told of all sources that are stale or stopped after each report; must not block.
    package init(tellStale: @escaping @Sendable ([StaleSource]) -> Void = { _ in }) {
        self.tellStale = tellStale
    }

    /// The newest report of each source, ascending by name.
    package var all: [SourceReport] {
        self.reports.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }

    package func report(_ report: SourceReport) {
        // The notice is changed under the lock, so that of two reports the later one has the last word there too.
        self.reports.withLock { reports in
            reports[ExactText(report.name)] = report
            self.tellStale(reports.values.filter(\.isStale).map { StaleSource(name: $0.name, types: $0.types) })
        }
    }

    /// The source is not this node's any more: another one follows it, or nobody.
    package func withdraw(_ name: String) {
        self.reports.withLock { reports in
            guard reports.removeValue(forKey: ExactText(name)) != nil else { return }
            self.tellStale(reports.values.filter(\.isStale).map { StaleSource(name: $0.name, types: $0.types) })
        }
    }
}

extension Hub {
    /// The sources of a type that are stale now, of this node and of the fan-in; at most ``Notice/maxSources``.
    package func staleSources(of type: String) -> [String] {
        self.board.current.stale[type] ?? []
    }
}

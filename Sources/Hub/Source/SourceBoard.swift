// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
import Synchronization

/// The health of the sources this node runs: for monitoring, for the operators' page, and for subscribers of their
/// events, who are notified when a source is stale.
///
/// The number of sources is set by the configuration, so memory is bounded. Can be used from any thread.
package final class SourceBoard: Sendable {
    private let reports = Mutex<[ExactText: SourceReport]>([:])
    private let onStale: @Sendable ([StaleSource]) -> Void

    /// - Parameter onStale: Called after each report with all stale or stopped sources; must not block.
    package init(onStale: @escaping @Sendable ([StaleSource]) -> Void = { _ in }) {
        self.onStale = onStale
    }

    /// The newest report of each source, ascending by name.
    package var all: [SourceReport] {
        self.reports.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }

    package func report(_ report: SourceReport) {
        // The notice is changed while the lock is held, so that the later of two reports wins there as well.
        self.reports.withLock { reports in
            reports[ExactText(report.name)] = report
            self.onStale(reports.values.filter(\.isStale).map { StaleSource(name: $0.name, types: $0.types) })
        }
    }

    /// The source no longer runs on this node: another node follows it, or none.
    package func withdraw(_ name: String) {
        self.reports.withLock { reports in
            guard reports.removeValue(forKey: ExactText(name)) != nil else { return }
            self.onStale(reports.values.filter(\.isStale).map { StaleSource(name: $0.name, types: $0.types) })
        }
    }
}

extension Hub {
    /// The sources of a type that are currently stale, from this node and from the fan-in; at most
    /// ``Notice/maxSources``.
    package func staleSources(of type: String) -> [String] {
        self.statusBroadcaster.current.stale[type] ?? []
    }
}

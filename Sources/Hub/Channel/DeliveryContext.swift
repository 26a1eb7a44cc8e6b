// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore

/// Metadata of a batch of events on its way to the connections.
package struct DeliveryContext: Sendable {
    /// When it was committed, or when the announcement of another node was received.
    package var time: NIODeadline
    /// The traces of its events; empty unless traces are recorded.
    package var traces: Set<TraceContext>

    package init(time: NIODeadline = .now(), traces: Set<TraceContext> = []) {
        self.time = time
        self.traces = traces
    }
}

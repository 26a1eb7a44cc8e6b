// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore

/// What is known about a batch of events on its way to the connections.
package struct DeliveryContext: Sendable {
    /// When it was committed, or when another node's announcement arrived.
    package var time: NIODeadline
    /// The traces that its events belong to; none unless they are recorded.
    package var traces: Set<TraceContext>

    package init(time: NIODeadline = .now(), traces: Set<TraceContext> = []) {
        self.time = time
        self.traces = traces
    }
}

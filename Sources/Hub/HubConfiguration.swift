// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// The configuration of a hub.
package struct HubConfiguration: Sendable {
    /// Limits for accepting new sessions, so that existing sessions continue to be served.
    package struct Admission: Sendable {
        /// New sessions on this node; nil for no limit.
        package var rate: AllowedRate?
        /// Maximum lag of an event loop; nil for no limit.
        package var lag: Duration?

        package init() {}
    }

    /// The node's name, visible to clients.
    package var node = "node-1"
    /// Whether public types can be read without a token.
    package var allowsAnonymousReading = true
    package var types = EventTypes()
    package var intake = EventValidator.Limits()
    package var shard = SessionShard.Limits()
    package var session = Session.Limits()
    package var writer = TapeWriter.Limits()
    /// Recent frames kept in memory for readers slightly behind, in bytes.
    package var ringBytes = 256 << 20
    /// Maximum size of one page of a replay or of history.
    package var page = PageLimit(entries: 1000, bytes: 256 << 10)
    /// Cache for replay pages, shared by clients that resume at the same time, in bytes.
    package var pageCacheBytes = 16 << 20
    /// Maximum number of pending operations of all sessions (tokens, channels, pages).
    package var waits = 100_000
    /// Events of one service, on this node; nil for no limit other than the speed of the tape.
    package var publishRate: AllowedRate?
    /// Concurrent sessions of one user, on this node; nil for no limit.
    package var connectionsPerUser: Int?
    package var admission = Admission()
    package var fanIn = FanIn.Limits()
    /// Interval between two reads of heads while the bus is cut off, or if there is no bus and nodes share the tape.
    package var pollWhileCut: Duration = .milliseconds(500)
    /// Maximum number of channels whose heads are read in one round; more are read in slices.
    package var pollChannels = 10_000
    /// Interval between two probes of the tape.
    package var probe: Duration = .seconds(1)
    /// Over how long the clients of a draining node are asked to spread their reconnects.
    package var drainWindow: Duration = .seconds(5)
    /// Interval between two reads of other nodes' revocations, in addition to those triggered by the bus.
    package var revocationPoll: Duration = .milliseconds(500)
    /// The scope that allows reading users' private channels, which is audited; nil for none.
    package var supportScope: String? = "support:read"
    package var audit = AuditTrail.Limits()
    /// Interval between two maintenance rounds: retention, idle channels.
    package var housekeeping: Duration = .seconds(60)

    package init() {}
}

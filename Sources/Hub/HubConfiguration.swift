// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// What an operator decides about a hub.
package struct HubConfiguration: Sendable {
    /// When new sessions are asked to come back later, so that existing ones continue to be served.
    package struct Admission: Sendable {
        /// Sessions that may begin, on this node; nil is any number.
        package var rate: AllowedRate?
        /// By how much a loop may be late to its work; nil is any time.
        package var lag: Duration?

        package init() {}
    }

    /// The node's name, as clients see it.
    package var node = "node-1"
    /// Whether public types can be read without a token.
    package var allowsAnonymousReading = true
    package var types = EventTypes()
    package var intake = EventValidator.Limits()
    package var shard = SessionShard.Limits()
    package var session = Session.Limits()
    package var writer = TapeWriter.Limits()
    /// Frames kept in memory for readers that are a little behind, in bytes.
    package var ringBytes = 256 << 20
    /// How much one page of a replay or of history holds.
    package var page = PageLimit(entries: 1000, bytes: 256 << 10)
    /// Pages of a replay kept for others who come back at the same time.
    package var pageCacheBytes = 16 << 20
    /// Waits of all sessions at once (tokens, channels, pages).
    package var waits = 100_000
    /// Events of one service, on this node; nil lets everybody publish as fast as the tape takes it.
    package var publishRate: AllowedRate?
    /// Sessions of one user at once, on this node; nil is any number.
    package var connectionsPerUser: Int?
    package var admission = Admission()
    package var fanIn = FanIn.Limits()
    /// Between two reads of heads while the way to the other nodes is broken, or there is none and they share the tape.
    package var pollWhileCut: Duration = .milliseconds(500)
    /// Channels whose heads are read in one go; more take turns.
    package var pollChannels = 10_000
    /// Between two signs of life that the tape is asked for.
    package var probe: Duration = .seconds(1)
    /// Over how long the clients of a leaving node are asked to spread their return.
    package var drainWindow: Duration = .seconds(5)
    /// Between two looks for revocations of other nodes, beside those that the bus asks for.
    package var revocationPoll: Duration = .milliseconds(500)
    /// The scope that lets someone read users' private channels, which is audited; nil for none.
    package var supportScope: String? = "support:read"
    package var audit = AuditTrail.Limits()
    /// Between two rounds of housekeeping: retention, idle channels.
    package var housekeeping: Duration = .seconds(60)

    package init() {}
}

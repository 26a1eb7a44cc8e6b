// SPDX-License-Identifier: Apache-2.0

/// How nodes notify each other of commits: the interface between the hub and a message transport.
///
/// For implementers: the bus provides speed, the tape is the source of truth. Messages may be lost, repeated or late;
/// receivers detect gaps by sequence number and read the missing events from the tape. The announcements of one node
/// arrive in order, if they arrive, and nothing arrives that no node has announced.
package protocol Bus: Sendable {
    /// Whether announcements currently reach other nodes.
    var reach: BusReach { get }

    /// Number of received messages that were not from another node of this cluster, or could not be decoded.
    var refused: Int { get }

    /// Notifies the other nodes. Called on the writer's loop after every commit. Must not block; drops what it cannot
    /// accept immediately.
    func announce(_ commits: [ChannelBatch])

    /// Notifies the other nodes that revocations have changed; the revocations themselves are in the store. Can be
    /// called from any thread. As unreliable as ``announce(_:)``.
    func announceRevocations()

    /// Receives the announcements of other nodes; returns when the task is cancelled.
    /// - Parameters:
    ///   - receive: Called for one message at a time, with no commits if messages may have been missed.
    ///   - revoked: Called when revocations have changed, without waiting for earlier commits.
    func run(
        _ receive: @Sendable ([ChannelBatch]) async -> Void,
        revoked: @escaping @Sendable () -> Void
    ) async
}

extension Bus {
    package var refused: Int { 0 }

    /// Receives commits only.
    package func run(_ receive: @Sendable ([ChannelBatch]) async -> Void) async {
        await self.run(receive, revoked: {})
    }
}

/// Whether a bus reaches other nodes.
package enum BusReach: Sendable, Equatable {
    /// There is no connection to other nodes, by configuration.
    case alone
    /// Messages are exchanged with the other nodes.
    case connected
    /// The connection to the other nodes is broken; their commits have to be read from the tape.
    case cut
}

// SPDX-License-Identifier: Apache-2.0

/// How nodes tell each other of commits: the seam between the hub and whatever carries messages.
///
/// For implementers: the bus is for speed, the tape for truth. Messages may be lost, repeated or late; receivers find
/// gaps by the numbers and read them from the tape. What one node announces arrives in order where it arrives, and what
/// no node has announced does not arrive at all.
package protocol Bus: Sendable {
    /// Whether other nodes hear of what is announced, at this moment.
    var reach: BusReach { get }

    /// Messages so far that were not those of another node, or could not be read.
    var refused: Int { get }

    /// Tells the other nodes. Called on the writer's loop after every commit; must not block, and drops what it cannot
    /// take at once.
    func announce(_ commits: [Commit])

    /// Tells the other nodes that revocations have changed; what they are stands beside the tape. From any thread, and
    /// as little to be relied on as ``announce(_:)``.
    func announceRevocations()

    /// Receives what other nodes announce, and returns when the task is cancelled.
    /// - Parameters:
    ///   - receive: Called one message at a time; with no commits when messages may have been missed.
    ///   - revoked: Called when revocations have changed, without waiting for the commits before.
    func run(
        _ receive: @Sendable ([Commit]) async -> Void,
        revoked: @escaping @Sendable () -> Void
    ) async
}

extension Bus {
    package var refused: Int { 0 }

    /// Receives commits only.
    package func run(_ receive: @Sendable ([Commit]) async -> Void) async {
        await self.run(receive, revoked: {})
    }
}

/// Whom a bus reaches.
package enum BusReach: Sendable, Equatable {
    /// There is no way to other nodes, and none is looked for.
    case alone
    /// Messages go to the other nodes and come from them.
    case connected
    /// The way to the other nodes is broken; what they commit has to be looked for on the tape.
    case cut
}

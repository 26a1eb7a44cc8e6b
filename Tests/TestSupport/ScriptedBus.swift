// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A bus that a test carries the messages of: it sees what a hub announces and decides what reaches it.
package final class ScriptedBus: Bus {
    private let announced = Watched<[[ChannelBatch]]>([])
    private let reached = Watched(BusReach.connected)
    private let inbox: AsyncStream<[ChannelBatch]>
    private let sender: AsyncStream<[ChannelBatch]>.Continuation

    package init() {
        (self.inbox, self.sender) = AsyncStream.makeStream()
    }

    package var reach: BusReach {
        self.reached.value
    }

    /// Sets which nodes the bus reaches from now on.
    package func setReach(_ reach: BusReach) {
        self.reached.change { $0 = reach }
    }

    /// What the hub has announced so far.
    package var announcements: [[ChannelBatch]] {
        self.announced.value
    }

    /// Returns once the hub has announced so often.
    package func waitForAnnouncements(_ count: Int) async throws {
        try await self.announced.wait(for: "\(count) announcements") { $0.count >= count }
    }

    /// Hands the hub what another node would have announced.
    package func deliver(_ commits: [ChannelBatch]) {
        self.sender.yield(commits)
    }

    package func announce(_ commits: [ChannelBatch]) {
        self.announced.change { $0.append(commits) }
    }

    package func announceRevocations() {}

    package func run(
        _ receive: @Sendable ([ChannelBatch]) async -> Void,
        revoked: @escaping @Sendable () -> Void
    ) async {
        for await commits in self.inbox {
            await receive(commits)
        }
    }
}

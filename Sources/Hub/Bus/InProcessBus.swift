// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Synchronization

/// Connects hubs of one process; with one hub, which is the usual way to run without Redis, there is nobody to tell.
package final class InProcessBus: Bus {
    /// Where the buses of one process meet.
    package final class Exchange: Sendable {
        fileprivate struct Peer {
            let commits: AsyncStream<[Commit]>.Continuation
            let revoked: @Sendable () -> Void
        }

        fileprivate let peers = Mutex<[ObjectIdentifier: Peer]>([:])

        package init() {}
    }

    /// Announcements kept for a hub that is busy; the oldest is dropped past it.
    package static let backlog = 64

    private let exchange: Exchange

    package init(exchange: Exchange = Exchange()) {
        self.exchange = exchange
    }

    package var reach: BusReach {
        self.exchange.peers.withLock { $0.keys.contains { $0 != ObjectIdentifier(self) } } ? .connected : .alone
    }

    package func announce(_ commits: [Commit]) {
        self.exchange.peers.withLock { peers in
            for (id, peer) in peers where id != ObjectIdentifier(self) {
                peer.commits.yield(commits)
            }
        }
    }

    package func announceRevocations() {
        let peers = self.exchange.peers.withLock { $0.filter { $0.key != ObjectIdentifier(self) } }
        for peer in peers.values { peer.revoked() }
    }

    package func run(
        _ receive: @Sendable ([Commit]) async -> Void,
        revoked: @escaping @Sendable () -> Void
    ) async {
        let (messages, continuation) = AsyncStream.makeStream(
            of: [Commit].self,
            bufferingPolicy: .bufferingNewest(Self.backlog)
        )
        self.exchange.peers.withLock {
            $0[ObjectIdentifier(self)] = Exchange.Peer(commits: continuation, revoked: revoked)
        }
        for await commits in messages {
            await receive(commits)
        }
        _ = self.exchange.peers.withLock { $0.removeValue(forKey: ObjectIdentifier(self)) }
    }
}

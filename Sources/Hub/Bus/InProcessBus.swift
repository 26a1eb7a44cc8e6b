// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Synchronization

/// Connects hubs within one process. With a single hub, the usual setup without Redis, it delivers to nobody.
package final class InProcessBus: Bus {
    /// Connects the buses of one process.
    package final class Exchange: Sendable {
        fileprivate struct Peer {
            let commits: AsyncStream<[ChannelBatch]>.Continuation
            let revoked: @Sendable () -> Void
        }

        fileprivate let peers = Mutex<[ObjectIdentifier: Peer]>([:])

        package init() {}
    }

    /// Maximum number of announcements queued for a busy hub; beyond it, the oldest is dropped.
    package static let backlog = 64

    private let exchange: Exchange

    package init(exchange: Exchange = Exchange()) {
        self.exchange = exchange
    }

    package var reach: BusReach {
        self.exchange.peers.withLock { $0.keys.contains { $0 != ObjectIdentifier(self) } } ? .connected : .alone
    }

    package func announce(_ commits: [ChannelBatch]) {
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
        _ receive: @Sendable ([ChannelBatch]) async -> Void,
        revoked: @escaping @Sendable () -> Void
    ) async {
        let (messages, continuation) = AsyncStream.makeStream(
            of: [ChannelBatch].self,
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

// SPDX-License-Identifier: Apache-2.0

package import BroadtapeClient
import NIOPosix
import Testing

/// A subscriber that keeps account of what it got.
package final class RecordingSubscriber: Sendable {
    /// What it got, by channel.
    package struct Log: Sendable, CustomStringConvertible {
        package struct Entry: Sendable, Equatable {
            package var seq: Int
            package var id: String
        }

        package var entries: [String: [Entry]] = [:]
        /// The last number of each channel that is accounted for.
        package var heads: [String: Int] = [:]
        /// Whatever must not happen.
        package var faults: [String] = []
        package var connections = 0

        package var description: String {
            "heads \(self.heads), \(self.connections) connections, faults \(self.faults)"
        }

        fileprivate mutating func take(_ event: BroadtapeClient.Event, mayConflate: Bool) {
            let last = self.heads[event.channel, default: 0]
            if event.seq != last + 1 + event.skipped {
                self.faults.append("\(event.channel): \(event.seq) (\(event.skipped) skipped) after \(last)")
            }
            if event.skipped > 0, !mayConflate {
                self.faults.append("\(event.channel): \(event.skipped) skipped before \(event.seq)")
            }
            self.heads[event.channel] = event.seq
            self.entries[event.channel, default: []].append(Entry(seq: event.seq, id: event.id))
        }
    }

    package let log = Watched(Log())
    package let channels: [String]
    private let token: String?

    /// - Parameter channels: Full names; followed from the first event on.
    package init(_ channels: [String], token: String?) {
        self.channels = channels
        self.token = token
    }

    /// Follows until cancelled.
    package func run(to address: HubAddress) async throws {
        var provider: TokenProvider?
        if let token = self.token { provider = { token } }
        let subscriber = try Subscriber(
            to: address,
            subscriptions: self.channels.map { Subscription($0, from: .after(0)) },
            token: provider,
            options: .init(backoff: Backoff(base: .milliseconds(20), cap: .milliseconds(200)))
        )
        do {
            try await subscriber.run { updates in
                for await update in updates { self.take(update) }
            }
        } catch is CancellationError {
        } catch {
            self.log.change { $0.faults.append("\(error)") }
        }
    }

    private func take(_ update: Update) {
        self.log.change { log in
            switch update {
            case .event(let event):
                let isLatest = ["balanceUpdate:", "rateChange:"].contains { event.channel.hasPrefix($0) }
                log.take(event, mayConflate: isLatest)
            case .connected:
                log.connections += 1
            case .snapshot, .gap, .refused, .notice:
                log.faults.append("\(update)")
            case .authenticated, .subscribed, .caughtUp, .behind, .paused, .stale, .disconnected:
                break
            }
        }
    }

    /// Returns once everything up to these numbers has come.
    package func wait(for heads: [String: Int]) async throws {
        let wanted = heads.filter { self.channels.contains($0.key) }
        try await self.log.wait(for: "\(wanted)", within: .seconds(40)) { log in
            !log.faults.isEmpty || wanted.allSatisfy { log.heads[$0.key, default: 0] >= $0.value }
        }
    }
}

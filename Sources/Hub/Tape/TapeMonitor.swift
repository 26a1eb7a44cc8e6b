// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging
import NIOCore
import Synchronization

/// Monitors the tape for the whole node: whether it works, and on which channels it may contain events that were not
/// delivered.
final class TapeMonitor: Sendable {
    /// Maximum number of uncertain channels kept by name; beyond it, all channels are uncertain.
    private static let doubtLimit = 50_000
    /// How long a commit of unknown outcome may still become visible after the connection to the tape was lost: the
    /// server may not have noticed yet.
    private static let doubtPeriod = TimeAmount.seconds(10)

    private struct Doubts: Sendable {
        var channels: Set<ChannelName> = []
        var isAll = false
        /// Reads that begin after this time give certainty.
        var end = NIODeadline.uptimeNanoseconds(0)
    }

    private struct Condition: Sendable {
        var health = TapeHealth()
        /// The message of the last failure; empty after a success.
        var trouble = ""
    }

    private let condition = Mutex(Condition())
    private let doubts = Mutex(Doubts())
    private let statusBroadcaster: ServiceStatusBroadcaster
    private let logger: Logger

    init(statusBroadcaster: ServiceStatusBroadcaster, logger: Logger) {
        self.statusBroadcaster = statusBroadcaster
        self.logger = logger
    }

    // MARK: - Health

    /// Whether events can be committed and read.
    var isWell: Bool {
        self.condition.withLock { $0.health.isWell(at: .now()) }
    }

    var state: TapeHealth.State {
        self.condition.withLock { $0.health.state }
    }

    /// Why events cannot be committed, for operators; empty while they can.
    var trouble: String {
        self.condition.withLock { $0.health.isPaused ? $0.trouble : "" }
    }

    func committed() {
        self.change("") { $0.committed() }
    }

    func commitFailed(_ fault: TapeFault) {
        self.change(fault.explanation) { $0.commitFailed(isDamaged: fault.isDamage, at: .now()) }
    }

    func probing() {
        self.change { $0.probing(at: .now()) }
    }

    /// - Parameter fault: Nil if the probe succeeded.
    func probed(_ fault: TapeFault?) {
        self.change(fault?.explanation) {
            $0.probed(succeeded: fault == nil, isDamaged: fault?.isDamage ?? false, at: .now())
        }
    }

    func check() {
        self.change { $0.checked(at: .now()) }
    }

    /// - Parameter trouble: The new message for operators; nil leaves it unchanged.
    private func change(_ trouble: String? = nil, _ body: (inout TapeHealth) -> Void) {
        let (before, after, why) = self.condition.withLock { condition in
            let before = condition.health.state
            body(&condition.health)
            if let trouble { condition.trouble = trouble }
            return (before, condition.health.state, condition.trouble)
        }
        guard before != after else { return }
        self.log(after, why)
        // Read under the broadcaster's lock, so that the later of two concurrent changes wins.
        self.statusBroadcaster.change { $0.isPaused = self.condition.withLock(\.health.isPaused) }
    }

    private func log(_ state: TapeHealth.State, _ why: String) {
        switch state {
        case .well:
            self.logger.notice("events can be committed again")
        case .unavailable, .damaged:
            self.logger.error(
                "paused: events cannot be committed",
                metadata: ["database": "\(state)", "why": "\(why.isEmpty ? "the database does not answer" : why)"]
            )
        }
    }

    // MARK: - Uncertain channels

    /// It is not known whether events were committed on these channels.
    func markUncertain(_ channels: some Sequence<ChannelName>) {
        self.doubts.withLock { doubts in
            doubts.end = .now() + Self.doubtPeriod
            for channel in channels where !doubts.isAll {
                doubts.channels.insert(channel)
                guard doubts.channels.count > Self.doubtLimit else { continue }
                doubts.isAll = true
                doubts.channels = []
            }
        }
    }

    var hasDoubts: Bool {
        self.doubts.withLock { $0.isAll || !$0.channels.isEmpty }
    }

    /// The channels whose heads have to be read; nil for all.
    var uncertainChannels: Set<ChannelName>? {
        self.doubts.withLock { $0.isAll ? nil : $0.channels }
    }

    /// The heads of the uncertain channels were read, in a round that began at this time.
    func settled(began: NIODeadline) {
        self.doubts.withLock { doubts in
            guard began >= doubts.end else { return }
            doubts.isAll = false
            doubts.channels = []
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Keeps an eye on the tape for the whole node: whether it works, and where it may hold what nobody was told of.
final class TapeWatch: Sendable {
    /// Channels in doubt that are kept by name; beyond it every channel is in doubt.
    private static let doubtLimit = 50_000
    /// How long a commit of unknown outcome may still come to stand after the connection to the tape was lost: the
    /// other end may not have noticed yet.
    private static let doubtPeriod = TimeAmount.seconds(10)

    private struct Doubts: Sendable {
        var channels: Set<ChannelName> = []
        var isAll = false
        /// Reads from then on settle the matter.
        var end = NIODeadline.uptimeNanoseconds(0)
    }

    private let health = Mutex(TapeHealth())
    private let doubts = Mutex(Doubts())
    private let board: NoticeBoard

    init(board: NoticeBoard) {
        self.board = board
    }

    // MARK: - Health

    /// Whether events can be committed and read.
    var isWell: Bool {
        self.health.withLock { $0.isWell(at: .now()) }
    }

    func committed() {
        self.change { $0.committed() }
    }

    func commitFailed() {
        self.change { $0.commitFailed(at: .now()) }
    }

    func probing() {
        self.change { $0.probing(at: .now()) }
    }

    func probed(succeeded: Bool) {
        self.change { $0.probed(succeeded: succeeded, at: .now()) }
    }

    func check() {
        self.change { $0.checked(at: .now()) }
    }

    private func change(_ body: (inout TapeHealth) -> Void) {
        let hasChanged = self.health.withLock { health in
            let before = health.isPaused
            body(&health)
            return health.isPaused != before
        }
        guard hasChanged else { return }
        // Looked up under the board's lock: of two changes at once the later one stays.
        self.board.change { $0.isPaused = self.health.withLock(\.isPaused) }
    }

    // MARK: - Doubts

    /// It is not known whether events were committed on these channels.
    func doubt(_ channels: some Sequence<ChannelName>) {
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
    var doubted: Set<ChannelName>? {
        self.doubts.withLock { $0.isAll ? nil : $0.channels }
    }

    /// The heads in doubt were read, in a round that began at this time.
    func settled(began: NIODeadline) {
        self.doubts.withLock { doubts in
            guard began >= doubts.end else { return }
            doubts.isAll = false
            doubts.channels = []
        }
    }
}

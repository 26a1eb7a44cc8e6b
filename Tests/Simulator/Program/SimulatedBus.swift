// SPDX-License-Identifier: Apache-2.0

import EventLog

/// What is wrong with the messages to one node.
struct BusTrouble: Trouble, CustomStringConvertible {
    var isCut = false
    var lost = 0.0
    var repeated = 0.0
    var delay: ClosedRange<Double> = 0.000_1...0.002

    static let none = BusTrouble()

    var description: String {
        self.isCut
            ? "the bus is cut"
            : "the bus takes \(self.delay) s, of its messages \(self.lost) are lost, \(self.repeated) repeated"
    }
}

/// Carries the announcements between the nodes of a cluster, as badly as its contract allows: those of one sender
/// arrive in order, if they arrive; repeats arrive at any time.
final class SimulatedBus: Bus, @unchecked Sendable {
    private let node: Int
    private let cluster: Cluster
    private let isAlone: Bool
    /// Of its node.
    private let queue: WorkQueue
    private var random: SeededRandom
    var trouble = BusTrouble.none {
        didSet { if oldValue.isCut, !self.trouble.isCut { self.inbox?.yield([]) } }
    }
    /// When the last message of each sender arrives.
    private var arrivals: [Int: Int64] = [:]
    private var inbox: AsyncStream<[ChannelBatch]>.Continuation?
    private var revoked: (@Sendable () -> Void)?

    init(node: Int, cluster: Cluster, isAlone: Bool, queue: WorkQueue, random: SeededRandom) {
        self.node = node
        self.cluster = cluster
        self.isAlone = isAlone
        self.queue = queue
        self.random = random
    }

    var reach: BusReach {
        self.isAlone ? .alone : self.trouble.isCut ? .cut : .connected
    }

    func announce(_ commits: [ChannelBatch]) {
        guard !self.isAlone, !self.trouble.isCut else { return }
        for bus in self.cluster.buses where bus !== self { bus.carry(commits, from: self.node) }
    }

    private func carry(_ commits: [ChannelBatch], from sender: Int) {
        guard !self.trouble.isCut, !self.random.happens(self.trouble.lost) else { return }
        let arrival = max(
            Simulation.current.now + self.random.time(self.trouble.delay).nanoseconds,
            (self.arrivals[sender] ?? 0) + 1
        )
        self.arrivals[sender] = arrival
        Simulation.current.at(arrival, on: self.queue) { self.arrived(commits) }
        guard self.random.happens(self.trouble.repeated) else { return }
        let repeated = arrival + self.random.time(0...1).nanoseconds
        Simulation.current.at(repeated, on: self.queue) { self.arrived(commits) }
    }

    private func arrived(_ commits: [ChannelBatch]) {
        if !self.trouble.isCut { self.inbox?.yield(commits) }
    }

    func announceRevocations() {
        guard !self.isAlone, !self.trouble.isCut else { return }
        for bus in self.cluster.buses where bus !== self && !bus.trouble.isCut {
            guard !bus.random.happens(bus.trouble.lost) else { continue }
            Simulation.current.after(bus.random.time(bus.trouble.delay), on: bus.queue) { bus.revoked?() }
        }
    }

    func run(
        _ receive: @Sendable ([ChannelBatch]) async -> Void,
        revoked: @escaping @Sendable () -> Void
    ) async {
        let (messages, continuation) = AsyncStream.makeStream(
            of: [ChannelBatch].self,
            bufferingPolicy: .bufferingNewest(64)
        )
        self.inbox = continuation
        self.revoked = revoked
        for await commits in messages { await receive(commits) }
        self.inbox = nil
        self.revoked = nil
    }
}

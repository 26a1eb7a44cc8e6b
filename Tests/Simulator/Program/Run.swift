// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub

/// One run: the actions of a scenario, then repair, and the check that everybody has everything and everything stops.
struct Run {
    /// How a run went.
    struct Outcome {
        /// Nil if every promise was kept.
        var violation: String?
        var steps: Int
        var commits: Int
        /// Equal for equal runs.
        var digest: UInt64
        var timeline: [String]
    }

    private let scenario: Scenario
    private let cluster: Cluster

    /// Called once per process.
    static func perform(_ scenario: Scenario, isVerbose: Bool) -> Outcome {
        Simulation.current.isVerbose = isVerbose
        Simulation.current.start(seed: scenario.seed)
        let run = Run(scenario)
        run.perform()
        return Outcome(
            violation: Simulation.current.violation,
            steps: Simulation.current.steps,
            commits: run.cluster.commitLog.commits,
            digest: Simulation.current.digest,
            timeline: Simulation.current.timeline
        )
    }

    private init(_ scenario: Scenario) {
        self.scenario = scenario
        self.cluster = Cluster(scenario)
    }

    private func perform() {
        let simulation = Simulation.current
        self.cluster.start()
        for action in self.scenario.actions { simulation.after(action.time) { self.perform(action) } }
        _ = simulation.run(for: self.scenario.span)
        guard simulation.violation == nil else { return }
        self.repair()
        guard self.reaches({ self.lack == nil }, within: .seconds(60)) else {
            return simulation.fail("after everything was repaired: \(self.lack ?? "")")
        }
        _ = simulation.run(for: .seconds(1))
        for node in self.cluster.nodes { node.stop(drainingOver: .seconds(1)) }
        let areDown = self.reaches({ self.cluster.nodes.allSatisfy { $0.state == .down } }, within: .seconds(30))
        if !areDown { simulation.fail("a node does not stop: \(self.cluster.nodes.map { "\($0.state)" })") }
    }

    /// Checks four times a second.
    private func reaches(_ condition: @escaping () -> Bool, within limit: Duration) -> Bool {
        var isReached = false
        func check() {
            isReached = condition()
            if !isReached { Simulation.current.after(.milliseconds(250), check) }
        }
        check()
        return Simulation.current.run(for: limit) { isReached }
    }

    /// What is missing before everybody has everything; nil for nothing.
    private var lack: String? {
        for node in self.cluster.nodes {
            guard node.state == .up, let hub = node.hub else { return "node \(node.index) is \(node.state)" }
            if let why = hub.unreadiness { return "node \(node.index) is not ready: \(why)" }
        }
        if let lack = self.cluster.source?.lack { return lack }
        if let events = self.cluster.publisher?.pending.values.first { return "\(events) have no answer" }
        return self.cluster.clients.lazy.compactMap(\.lack).first
    }

    private func repair() {
        Simulation.current.trace("everything is repaired")
        self.cluster.networkDelay = 0.000_1...0.005
        self.cluster.source?.end()
        for node in self.cluster.nodes {
            node.storageTrouble = .none
            node.busTrouble = .none
        }
    }

    // MARK: - Deeds

    private func node(_ index: Int) -> Node { self.cluster.nodes[index] }

    private func perform(_ action: Action) {
        switch action.what {
        case .publish(let events, let once):
            self.cluster.publisher?.publish(events, once: once)
        case .crash(let index, let down):
            self.node(index).crash()
            Simulation.current.after(down) { self.node(index).start() }
        case .stop(let index, let down):
            self.stop(self.node(index), down: down)
        case .freeze(let index, let length):
            self.node(index).freeze(true)
            Simulation.current.after(length) { self.node(index).freeze(false) }
        case .storage(let index, let trouble, let length):
            self.trouble(self.node(index), \.storageTrouble, trouble, for: length)
        case .bus(let index, let trouble, let length):
            self.trouble(self.node(index), \.busTrouble, trouble, for: length)
        case .network(let delay, let length):
            Simulation.current.trace("the network is slow: \(delay) s")
            self.cluster.networkDelay = delay
            Simulation.current.after(length) { self.cluster.networkDelay = 0.000_1...0.005 }
        case .cut(let client): self.cluster.clients[client].cut()
        case .sleep(let client, let length): self.cluster.clients[client].sleep(for: length)
        case .pause(let client, let length): self.cluster.clients[client].pause(for: length)
        case .restart(let client): self.cluster.clients[client].restart()
        case .leave(let client, let channel, let length): self.cluster.clients[client].leave(channel, for: length)
        case .loseLock: self.cluster.store.leadership.loseLock()
        case .revoke(let user, let index): self.revoke(user, on: self.node(index))
        }
    }

    private func stop(_ node: Node, down: Duration) {
        node.stop(drainingOver: .seconds(1))
        func restart() {
            guard node.state == .down else {
                Simulation.current.after(.milliseconds(200), restart)
                return
            }
            Simulation.current.after(down) { node.start() }
        }
        guard node.state == .stopping else { return }
        restart()
    }

    private func trouble<Kind>(
        _ node: Node,
        _ part: ReferenceWritableKeyPath<Node, Kind>,
        _ trouble: Kind,
        for length: Duration
    ) where Kind: CustomStringConvertible & Trouble {
        Simulation.current.trace("node \(node.index): \(trouble)")
        node[keyPath: part] = trouble
        node.trouble(true)
        Simulation.current.after(length) {
            Simulation.current.trace("node \(node.index): no more of it")
            node[keyPath: part] = .none
            node.trouble(false)
        }
    }

    private func revoke(_ user: String, on node: Node) {
        guard node.state == .up, let hub = node.hub, let pool = node.pool else { return }
        Simulation.current.trace("the tokens of \(user) are revoked on node \(node.index)")
        Task(executorPreference: pool) {
            let revocation = Revocation(.subject(user), time: .now)
            guard (try? await hub.revoke([revocation])) != nil else { return }
            self.cluster.tokens.revoked[user] = Simulation.current.now
        }
    }
}

/// A kind of trouble that ends.
protocol Trouble {
    static var none: Self { get }
}

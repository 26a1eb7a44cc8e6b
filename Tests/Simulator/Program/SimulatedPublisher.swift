// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON

/// Publishers that repeat each request with the same ids, on any node, until it is answered.
final class SimulatedPublisher: @unchecked Sendable {
    private let cluster: Cluster
    private var random: SeededRandom
    private let service = Principal(subject: "service", scopes: ["publish:*"])
    /// Requests without an answer, by number.
    private(set) var pending: [Int: [PublishedEvent]] = [:]
    private var count = 0

    init(cluster: Cluster, random: SeededRandom) {
        self.cluster = cluster
        self.random = random
    }

    /// - Parameter once: The publisher does not repeat the request, as if it had crashed.
    func publish(_ events: [PublishedEvent], once: Bool) {
        self.count += 1
        self.pending[self.count] = events
        self.send(self.count)
        if once { self.pending[self.count] = nil }
    }

    private func send(_ number: Int) {
        guard let events = self.pending[number] else { return }
        let node = self.random.one(of: self.cluster.nodes)
        // Another attempt, also if this one is still on its way.
        Simulation.current.after(self.random.time(1...6)) { self.send(number) }
        let travel = self.random.time(self.cluster.networkDelay)
        Simulation.current.after(travel) {
            guard node.state == .up, let hub = node.hub, let pool = node.pool else { return }
            Simulation.current.trace("node \(node.index) is asked to publish \(events.map(\.id))")
            Task(executorPreference: pool) {
                let items = events.compactMap { try? JSON.Value.parse(Array($0.json.utf8)) }
                let result: Result<[PublishResult], PublishFault>
                do throws(PublishFault) {
                    result = .success(try await hub.publisher.publish(items, by: self.service, over: .http))
                } catch {
                    result = .failure(error)
                }
                Simulation.current.after(travel) { self.answered(number, events, result) }
            }
        }
    }

    private func answered(_ number: Int, _ events: [PublishedEvent], _ result: Result<[PublishResult], PublishFault>) {
        switch result {
        case .success(let results):
            self.pending[number] = nil
            guard !events.contains(where: \.isPoison) else {
                return Simulation.current.fail("poison was accepted: \(events)")
            }
            guard results.map(\.id) == events.map(\.id) else {
                return Simulation.current.fail("\(events) got \(results)")
            }
            for (event, result) in zip(events, results) { self.cluster.commitLog.answered(event, result.receipt) }
        case .failure(.rejected(let fault)):
            self.pending[number] = nil
            guard events.contains(where: { $0.isPoison || $0.isContested }) else {
                return Simulation.current.fail("\(events) was rejected: \(fault.summary.message)")
            }
        case .failure(.failed), .failure(.rateLimited):
            break
        }
    }
}

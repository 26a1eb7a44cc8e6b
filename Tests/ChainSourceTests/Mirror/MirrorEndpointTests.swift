// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Ingest
import JSON
import TestSupport
import Testing

/// Failover to a second mirror when the first one is unusable.
@Suite struct MirrorEndpointTests {
    private static func start(
        rules: EndpointRotation.Rules = Self.lasting,
        _ change: (inout Mirror) -> Void = { _ in }
    ) throws -> (SimulatedMirror, Mirroring) {
        let node = try SimulatedMirror(endpoints: 2, rules: rules)
        var mirror = try Mirroring.mirror()
        change(&mirror)
        return (node, Mirroring(node, mirror))
    }

    /// After one failure the first endpoint remains out of rotation.
    private static var lasting: EndpointRotation.Rules {
        var rules = EndpointRotation.Rules.restless
        rules.rest = .seconds(600) ... .seconds(600)
        rules.probation = .seconds(600) ... .seconds(600)
        return rules
    }

    private static func told(_ mirroring: Mirroring) -> [String] {
        mirroring.takeEvents().compactMap { event in
            guard let data = try? JSON.Value.parse(event.data) else { return nil }
            return data["args"]?["amount"]?.string ?? data["message"]?.string
        }
    }

    private static let faults: [(NodeFault, EndpointTrouble)] = [
        (.unfit(.refused, "401"), .refused), (.unfit(.unreachable, "connection refused"), .unreachable),
        (.again("the answer is not a JSON object: <html>"), .failing), (.slowDown("429"), .throttled),
        (.slowDown("429", after: .seconds(3_600)), .throttled),
    ]

    @Test(arguments: Self.faults.indices, [false, true])
    func secondMirrorIsAsked(_ index: Int, _ isOfLogs: Bool) async throws {
        let (fault, trouble) = Self.faults[index]
        let (node, mirroring) = try Self.start()
        node.add(1, amount: 10)
        node.advance(to: 100)
        node.fail(fault, of: isOfLogs ? "/logs" : "/", endpoint: 0)
        try await mirroring.catchUp(attempts: 50)
        #expect(Self.told(mirroring) == ["10"])
        #expect(node.endpoints.reports.map(\.trouble) == [trouble.rawValue, nil])
        #expect(node.endpoints.reports.map(\.isUsed) == [false, true])
    }

    /// The block that the network is recognised by is gone there; the other one has it.
    @Test func mirrorThatPrunedTheRememberedBlock() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1, amount: 10)
        node.advance(to: 100)
        try await mirroring.catchUp()
        mirroring.restart()
        node.change { state in
            state.interceptions[0] = { path, _ in path.hasPrefix(MirrorPath.root + "blocks/") ? "404" : nil }
        }
        node.add(150, amount: 11)
        node.advance(to: 300)
        try await mirroring.catchUp(attempts: 50)
        #expect(Self.told(mirroring) == ["10", "11"])
        #expect(node.endpoints.reports[0].trouble == "pruned")
        #expect(node.endpoints.reports[0].why.contains("an endpoint with that history is needed"))
        // The only one left: asked again and again, and nothing is made up.
        node.fail(.unfit(.refused, "403"), of: "/", endpoint: 1)
        node.add(350, amount: 12)
        node.advance(to: 500)
        for _ in 0..<20 { #expect(await mirroring.fault() != nil) }
        #expect(Self.told(mirroring) == [])
        #expect(await mirroring.follower.status.stopped == nil)
    }

    /// What it no longer has it answers as if nothing had happened: it is not asked about that time.
    @Test func mirrorThatPrunedWhatWasNotReadYet() async throws {
        let (node, mirroring) = try Self.start()
        node.add(1, amount: 10)
        node.advance(to: 200)
        try await mirroring.catchUp()
        // While nobody looked, the first one has lost most of it.
        node.add(300, amount: 11)
        node.add(1_900, amount: 12)
        node.advance(to: 2_000)
        node.change { state in
            state.interceptions[0] = { path, answer in
                if path == MirrorPath.oldestBlock {
                    return answer.replacing(
                        #/"from":"[0-9.]*"/#,
                        with: #""from":"\#(SimulatedMirror.time(1_000))""#
                    )
                }
                return path.contains("/logs") ? answer.replacing("\(SimulatedMirror.time(300))", with: "0.0") : nil
            }
        }
        mirroring.restart()
        try await mirroring.catchUp(attempts: 50)
        #expect(Self.told(mirroring) == ["10", "11", "12"])
        #expect(node.endpoints.reports[0].trouble == "pruned")
    }

    /// A contract or topic that one mirror does not know is read from another.
    @Test func mirrorThatDoesNotKnowATopic() async throws {
        let (node, mirroring) = try Self.start { $0.topics = [SimulatedMirror.topic] }
        node.add(1, amount: 10)
        node.say(1, "hello")
        node.advance(to: 100)
        node.change { state in state.interceptions[0] = { path, _ in path.contains("/topics/") ? "404" : nil } }
        try await mirroring.catchUp()
        try await mirroring.catchUp()
        #expect(Self.told(mirroring) == ["10", "hello"])
        #expect(node.endpoints.reports.map(\.trouble) == ["lacking", nil])
        #expect(await mirroring.follower.status.unknown == [:])
    }

    /// One that does not exist yet keeps nothing else from being read, and is read once it does.
    @Test func topicThatDoesNotExistYet() async throws {
        let (node, mirroring) = try Self.start(rules: .restless) { $0.topics = [SimulatedMirror.topic] }
        node.add(1, amount: 10)
        node.advance(to: 100)
        node.change { state in state.interception = { path, _ in path.contains("/topics/") ? "404" : nil } }
        for _ in 0..<10 { _ = try await mirroring.follower.step() }
        #expect(Self.told(mirroring) == ["10"])
        let status = await mirroring.follower.status
        #expect(status.unknown.keys.map { $0 } == ["topic 0.0.7"])
        #expect(status.lost == [])
        node.change { $0.interception = nil }
        node.say(1, "hello")
        try await mirroring.catchUp()
        #expect(Self.told(mirroring) == ["hello"])
        // Lost after it was there: that is another matter.
        node.change { state in state.interception = { path, _ in path.contains("/topics/") ? "404" : nil } }
        for _ in 0..<3 { _ = try await mirroring.follower.step() }
        #expect(await mirroring.follower.status.lost == ["topic 0.0.7"])
    }

    @Test func mirrorThatStandsStill() async throws {
        var rules = Self.lasting
        rules.stall = .milliseconds(50)
        let (node, mirroring) = try Self.start(rules: rules)
        node.add(1, amount: 10)
        node.advance(to: 100)
        try await mirroring.catchUp()
        let frozen = SimulatedMirror.time(100)
        node.change { state in
            state.interceptions[0] = { path, answer in
                path.contains("blocks?") ? answer.replacing(#/"to":"[0-9.]*"/#, with: #""to":"\#(frozen)""#) : nil
            }
        }
        node.add(120, amount: 11)
        node.advance(to: 200)
        try await eventually("the second mirror's logs") {
            _ = try? await mirroring.follower.step()
            return await mirroring.follower.status.head == SimulatedMirror.time(200)
        }
        try await mirroring.catchUp()
        #expect(Self.told(mirroring).contains("11"))
        #expect(node.endpoints.reports[0].trouble == "stalled")
    }

    /// Another network on the second endpoint: it is out, the source is not.
    @Test func foreignMirrorIsOut() async throws {
        let (node, mirroring) = try Self.start(rules: .restless)
        node.add(1, amount: 10)
        node.advance(to: 100)
        try await mirroring.catchUp()
        node.change { state in
            state.interceptions[1] = { path, answer in
                path.hasPrefix(MirrorPath.root + "blocks/")
                    ? answer.replacing(#/"hash":"0x../#, with: #""hash":"0x00"#) : nil
            }
        }
        node.moveToAnotherEndpoint()
        guard case .elsewhere(let why) = await mirroring.fault() else { throw Following.Stuck(why: "it is taken") }
        #expect(why.contains("another network"))
        node.add(150, amount: 11)
        node.advance(to: 300)
        try await mirroring.catchUp(attempts: 20)
        #expect(Self.told(mirroring) == ["10", "11"])
        #expect(node.endpoints.reports[1].trouble == "foreign")
    }
}

extension SimulatedMirror {
    /// Makes an endpoint fail in what is asked for with a path that has a certain part.
    fileprivate func fail(_ fault: NodeFault, of part: String, endpoint: Int) {
        let interception: Interception = { path, _ throws(NodeFault) in
            guard path.contains(part) else { return nil }
            throw fault
        }
        self.change { $0.interceptions[endpoint] = interception }
    }
}

// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import JSON
import Synchronization
import TestSupport
import Testing

/// Nodes and mirrors whose answers contain hostile values. A follower refuses the answer, retries, stops or continues; the
/// events it makes are JSON. Whether they are true cannot be checked: the node may lie.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct HostileAnswerTests {
    private static let steps = 150

    /// Changes answers, some of them.
    private final class Liar: Sendable {
        private let mutator: Mutex<ValueMutator>

        init(_ seed: UInt64) throws {
            self.mutator = Mutex(ValueMutator(try HostileValues(), seed: seed))
        }

        func changed(_ answer: JSON.Value) -> [UInt8]? {
            self.mutator.withLock { $0.chance(of: 25) ? $0.mutated(answer) : nil }
        }

        func hasText() -> String? {
            self.mutator.withLock { $0.chance(of: 3) ? $0.text() : nil }
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func answersOfANode(_ seed: UInt64) async throws {
        let node = SimulatedNode(try SimulatedChain(seed: seed), seed: seed)
        let liar = try Liar(seed)
        let following = Following(node)
        node.change { $0.mine(20) }
        try await following.catchUp()
        node.change { $0.mine(20) }
        node.intercept { _, answer in
            if let text = liar.hasText() { return .refusal(Refusal(code: -32_000, message: text)) }
            guard case .result(let value) = answer, let changed = liar.changed(value) else { return nil }
            guard let value = try? JSON.Value.parse(changed) else { throw NodeFault.again("no JSON") }
            return .result(value)
        }
        var done = 0
        for step in 0..<Self.steps {
            if step % 10 == 9 {
                node.change {
                    $0.mine(5)
                    $0.finalize($0.head - 3)
                }
            }
            do throws(FollowFault) {
                _ = try await following.follower.step()
                done += 1
            } catch {
                if case .stopped = error { following.restart() }
            }
        }
        #expect(done > 0)
        Self.check(following.sink)
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func answersOfAMirror(_ seed: UInt64) async throws {
        let node = try SimulatedMirror()
        let liar = try Liar(seed)
        var mirror = try Mirroring.mirror()
        mirror.topics = [SimulatedMirror.topic]
        let mirroring = Mirroring(node, mirror)
        for number in 1...40 {
            node.add(Double(number * 5), amount: number)
            node.say(number, "message \(number)", chunk: number % 4 == 0 ? ("m", 1, 2) : nil)
        }
        // It begins on the right network.
        node.advance(to: 10)
        try await mirroring.catchUp()
        node.change { state in
            state.interception = { _, answer throws(NodeFault) in
                guard let value = try? JSON.Value.parse(Array(answer.utf8)), let changed = liar.changed(value) else {
                    return nil
                }
                guard (try? JSON.Value.parse(changed)) != nil else { throw .again("no JSON") }
                return String(decoding: changed, as: UTF8.self)
            }
        }
        var done = 0
        for step in 0..<Self.steps {
            node.advance(to: Double(10 + step * 2))
            do throws(FollowFault) {
                _ = try await mirroring.follower.step()
                done += 1
            } catch {
                if case .stopped = error { mirroring.restart() }
            }
        }
        #expect(done > 0)
        Self.check(mirroring.sink)
    }

    /// A batch as it comes over HTTP.
    @Test(arguments: 0..<3 as Range<UInt64>)
    func batches(_ seed: UInt64) throws {
        let text = #"""
            [{"jsonrpc":"2.0","id":7,"result":{"number":"0x1b4","hash":"0x00","logsBloom":"0x00"}},
            {"jsonrpc":"2.0","id":8,"error":{"code":-32005,"message":"limited to 0x10 - 0x20, 2,000 block range","data":{}}}]
            """#
        let example = try JSON.Value.parse(Array(text.utf8))
        var mutator = ValueMutator(try HostileValues(), seed: seed)
        var read = 0
        for _ in 0..<2_000 {
            guard let answers = try? Batch.answers(mutator.mutated(example), count: 2, id: 7) else { continue }
            read += 1
            for case .refusal(let refusal) in answers { _ = refusal.meaning }
        }
        #expect(read > 100)
    }

    private static func check(_ sink: RecordingSink) {
        for event in sink.state.value.events {
            #expect((try? JSON.Value.parse(event.data))?.kind == .object, "\(event)")
        }
    }
}

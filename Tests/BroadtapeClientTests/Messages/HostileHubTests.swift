// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import TestSupport
import Testing

@testable import BroadtapeClient

/// A hub whose messages have hostile values in them: a client reads or refuses them, and stays usable.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct HostileHubTests {
    private static func moment(_ milliseconds: Int64) -> Machine.Moment {
        let now = NIODeadline.uptimeNanoseconds(0) + .seconds(1000) + .milliseconds(milliseconds)
        return Machine.Moment(now: now, wall: 1_764_374_400_000, random: 0.5)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func mutatedMessages(_ seed: UInt64) throws {
        let examples = try HostileValues.examples("hub")
        var mutator = ValueMutator(try HostileValues(), seed: seed)
        let wanted = [
            Subscription("rateChange:A"), Subscription("transactionUpdate", from: .after(0)),
            Subscription("balanceUpdate"),
        ]
        var machine = Machine(wanted, hasToken: true, backoff: Backoff(), now: Self.moment(0).now)
        _ = machine.start(at: Self.moment(0))
        var time: Int64 = 0
        var read = 0
        for _ in 0..<2_000 {
            time += 50
            let moment = Self.moment(time)
            switch machine.phase {
            case .asking: _ = machine.tokenArrived("a.b.c", at: moment)
            case .connecting: _ = machine.opened(at: moment)
            case .idle, .closed: _ = machine.reconnect(at: moment)
            case .open, .waiting, .offline: break
            }
            _ = machine.wake(at: moment)
            let example = mutator.pick(examples)
            guard let example else { return }
            // Some as they should be, so that the others meet subscriptions.
            let bytes = mutator.chance(of: 40) ? example.compacted() : mutator.mutated(example)
            do throws(Message.Unreadable) {
                let outputs = machine.received(try Message(bytes), at: moment)
                read += 1
                #expect(outputs.count < 100)
            } catch {
                _ = machine.received(error, at: moment)
            }
        }
        #expect(read > 500)
    }

    /// The quick way through an event reads what the whole way reads, or leaves it to that.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func headingsOfMutatedEvents(_ seed: UInt64) throws {
        let examples = try HostileValues.examples("hub").filter { $0["op"]?.string == "event" }
        var mutator = ValueMutator(try HostileValues(), seed: seed)
        var read = 0
        for _ in 0..<3_000 {
            guard let example = mutator.pick(examples) else { return }
            let bytes = mutator.mutated(example)
            guard let heading = EventHeading(bytes.span), case .event(let event) = try? Message(bytes) else { continue }
            read += 1
            #expect(heading.seq == event.seq && heading.skipped == event.skipped)
        }
        #expect(read > 50)
    }
}

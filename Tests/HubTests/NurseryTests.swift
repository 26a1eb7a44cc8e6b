// SPDX-License-Identifier: Apache-2.0

import Hub
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct NurseryTests {
    @Test func workRunsUntilFinished() async throws {
        let nursery = Nursery(limit: 100)
        let done = Watched(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 {
                #expect(nursery.start { done.change { $0 += 1 } })
            }
            group.addTask { await nursery.run() }
            try? await done.wait(for: "ten") { $0 == 10 }
            #expect(nursery.start { done.change { $0 += 1 } })
            nursery.finish()
            await group.waitForAll()
        }
        #expect(done.value == 11)
        #expect(!nursery.start {})
    }

    @Test func finishedNurseryWaitsForItsChildren() async throws {
        let nursery = Nursery(limit: 100)
        let gate = Gate()
        gate.close()
        let isOver = Watched(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await nursery.run()
                isOver.change { $0 = true }
            }
            #expect(nursery.start { await gate.pass() })
            try await gate.waitForArrivals(1)
            nursery.finish()
            #expect(!nursery.start {})
            #expect(!isOver.value)
            gate.open()
            try await isOver.wait(for: "the end") { $0 }
        }
    }

    @Test func childrenAreBounded() async throws {
        let nursery = Nursery(limit: 3)
        let gate = Gate()
        gate.close()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await nursery.run() }
            for index in 1...5 {
                #expect(nursery.start { await gate.pass() } == (index <= 3))
            }
            try await gate.waitForArrivals(3)
            #expect(!nursery.start {})
            gate.open()
            try await eventually("there is room again") { nursery.start {} }
            nursery.finish()
        }
        #expect(gate.arrivals == 3)
    }

    @Test func cancellingReachesTheChildren() async throws {
        let nursery = Nursery(limit: 3)
        let wasCancelled = Watched(false)
        let hasBegun = Gate()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await nursery.run() }
            #expect(
                nursery.start {
                    await hasBegun.pass()
                    while !Task.isCancelled { await Task.yield() }
                    wasCancelled.change { $0 = true }
                }
            )
            try? await hasBegun.waitForArrivals(1)
            group.cancelAll()
        }
        #expect(wasCancelled.value)
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@testable import PostgresStore

@Suite(.system) struct PostgresFanInSystemTests {
    private func letter(_ number: Int, payload: [UInt8] = [0, 0xFF]) -> DeadLetter {
        DeadLetter(
            received: Timestamp(nanoseconds: Int64(number)),
            channel: "rate.\u{0}\(number)",
            payload: payload,
            reason: "no"
        )
    }

    @Test func lettersAreKeptUpToTheirNumber() async throws {
        let tape = try await PostgresWorld.open(try await PostgresServer.shared.makeSchema())
        try await tape.setAside([])
        try await tape.setAside([self.letter(1), self.letter(2)])
        #expect(try await tape.deadLetters(limit: 9) == [self.letter(2), self.letter(1)])
        #expect(try await tape.deadLetters(limit: 1) == [self.letter(2)])
        try await tape.setAside((3...DeadLetter.kept + 2).map { self.letter($0, payload: []) })
        let all = try await tape.deadLetters(limit: .max)
        #expect(all.count == DeadLetter.kept)
        #expect(all.last == self.letter(3, payload: []))
        await tape.close()
    }

    @Test func marksAreReplacedAndForgotten() async throws {
        let tape = try await PostgresWorld.open(try await PostgresServer.shared.makeSchema())
        let time = Timestamp(nanoseconds: 5)
        try await tape.note([
            SourceMark(source: "a", seq: 1, heard: time), SourceMark(source: "b", seq: nil, heard: time),
        ])
        let newer = SourceMark(source: "a", seq: 7, heard: Timestamp(nanoseconds: 9), types: ["rate", "x"])
        try await tape.note([SourceMark(source: "a", seq: 3, heard: time), newer])
        #expect(try await tape.sourceMarks() == [newer, SourceMark(source: "b", seq: nil, heard: time)])
        try await tape.forgetSources(heardBefore: Timestamp(nanoseconds: 6))
        #expect(try await tape.sourceMarks() == [newer])
        await tape.close()
    }

    @Test func oneIsAtWorkAtATime() async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let tapes = try await PostgresWorld.open(url, count: 2)
        let inside = Watched(0)
        let gate = Gate()
        gate.close()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for tape in tapes {
                group.addTask {
                    try await tape.withLeadership("fan-in") {
                        #expect(
                            inside.change {
                                $0 += 1; return $0
                            } == 1
                        )
                        await gate.pass()
                        inside.change { $0 -= 1 }
                    }
                }
            }
            group.addTask { try await tapes[0].withLeadership("other") {} }
            try await gate.waitForArrivals(1)
            try await group.next()
            gate.letOnePass()
            try await gate.waitForArrivals(2)
            gate.letOnePass()
            try await group.waitForAll()
        }
        for tape in tapes { await tape.close() }
    }

    /// Work is cancelled when the connection that holds the turn is ended.
    @Test func workEndsWithTheTurn() async throws {
        let server = try await PostgresServer.shared
        let url = try await server.makeSchema() + "&application_name=alone"
        let tape = try await PostgresWorld.open(url)
        let started = Watched(false)
        let fault = await withTaskGroup(of: TapeFault?.self) { group in
            group.addTask {
                await faultOf {
                    try await tape.withLeadership("fan-in") {
                        started.change { $0 = true }
                        try? await Watched(false).wait(for: "the cancellation", within: .seconds(60)) { $0 }
                    }
                }
            }
            group.addTask {
                _ = await faultOf {
                    try await started.wait(for: "the turn") { $0 }
                    try await server.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'alone'"
                    )
                }
                return nil
            }
            return await group.reduce(nil) { $0 ?? $1 }
        }
        #expect(fault.isUnavailable())
        await tape.close()
    }
}

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
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Testing

@Suite struct SourceTrackTests {
    private static func at(_ seconds: Double) -> Timestamp {
        Timestamp(nanoseconds: Int64(seconds * 1_000_000_000))
    }

    struct Line: Sendable {
        var known: Int?
        var seq: Int?
        var result: SourceTrack.OnHeard
        var after: Int?
    }

    @Test(arguments: [
        Line(known: nil, seq: nil, result: .unnumbered, after: nil),
        Line(known: nil, seq: 0, result: .next, after: 0),
        Line(known: nil, seq: 7, result: .next, after: 7),
        Line(known: 7, seq: nil, result: .unnumbered, after: 7),
        Line(known: 7, seq: 8, result: .next, after: 8),
        Line(known: 7, seq: 7, result: .duplicate, after: 7),
        Line(known: 7, seq: 0, result: .duplicate, after: 7),
        Line(known: 7, seq: 9, result: .gap(8...8), after: 9),
        Line(known: 7, seq: 100, result: .gap(8...99), after: 100),
        Line(known: 0, seq: .max, result: .gap(1 ... .max - 1), after: .max),
        Line(known: .max - 1, seq: .max, result: .next, after: .max),
        Line(known: .max, seq: .max, result: .duplicate, after: .max),
        Line(known: .max, seq: 0, result: .duplicate, after: .max),
    ])
    func numbersCountUpByOne(_ line: Line) {
        var track = SourceTrack(SourceMark(source: "s", seq: line.known, heard: Self.at(0)))
        #expect(track.heard(seq: line.seq, types: ["a"], at: Self.at(1)) == line.result)
        #expect(track.seq == line.after)
        #expect(track.heard == Self.at(1))
    }

    @Test func silenceMakesStaleOnceAndHearingEndsIt() {
        var track = SourceTrack(heard: Self.at(100))
        func check(_ seconds: Double, held: Double? = nil) -> Bool {
            track.checked(at: Self.at(seconds), limit: .seconds(30), held: held.map(Self.at))
        }
        #expect(!check(130))
        #expect(!track.isStale)
        #expect(check(130.1))
        #expect(track.isStale)
        #expect(!check(131))
        #expect(!check(131, held: 131))
        #expect(track.isStale)
        #expect(track.heard(seq: 1, types: [], at: Self.at(200)) == .next)
        #expect(!track.isStale)
        #expect(!check(100))
        #expect(!check(230))
        #expect(!check(240, held: 215))
        #expect(check(246, held: 215))
    }

    @Test func clockThatIsSetBackDoesNotMakeHeardEarlier() {
        var track = SourceTrack(heard: Self.at(100))
        _ = track.heard(seq: nil, types: [], at: Self.at(50))
        #expect(track.heard == Self.at(100))
    }

    @Test(
        arguments: [
            (seq: 5, heard: 50.0, expected: 7, at: 100.0, isStale: true),
            (seq: 9, heard: 50.0, expected: 9, at: 100.0, isStale: true),
            (seq: 9, heard: 150.0, expected: 9, at: 150.0, isStale: false),
            (seq: nil, heard: 150.0, expected: 7, at: 150.0, isStale: false),
        ] as [(seq: Int?, heard: Double, expected: Int, at: Double, isStale: Bool)]
    )
    func markOfAnotherNodeCountsWhereItIsLater(
        _ mark: (seq: Int?, heard: Double, expected: Int, at: Double, isStale: Bool)
    ) {
        var track = SourceTrack(SourceMark(source: "s", seq: 7, heard: Self.at(100), types: ["b"]))
        let hasBecomeStale = track.checked(at: Self.at(140), limit: .seconds(30), held: nil)
        #expect(hasBecomeStale)
        track.learn(SourceMark(source: "s", seq: mark.seq, heard: Self.at(mark.heard), types: ["c", "a", "b"]))
        #expect(track.seq == mark.expected)
        #expect(track.heard == Self.at(mark.at))
        #expect(track.isStale == mark.isStale)
        #expect(track.types == ["a", "b", "c"])
    }

    @Test func typesAreBounded() {
        var track = SourceTrack(heard: Self.at(0))
        let types = (10...99).map { "t\($0)" }
        _ = track.heard(seq: nil, types: types.reversed(), at: Self.at(0))
        #expect(track.types == types.suffix(SourceMark.maxTypes))
        _ = track.heard(seq: nil, types: ["a"], at: Self.at(0))
        #expect(track.types.count == SourceMark.maxTypes)
    }

    // MARK: - Tables

    private static func number(_ source: String, _ seq: Int? = nil) -> SourceNumber {
        SourceNumber(source: source, seq: seq, types: ["t"])
    }

    @Test func sourcesBeyondTheLimitAreNotTracked() {
        var table = SourceTable(limit: 2)
        #expect(table.heard(Self.number("a", 1), at: Self.at(0), takesUp: true) == .next)
        #expect(table.heard(Self.number("b", 1), at: Self.at(0), takesUp: false) == nil)
        #expect(table.heard(Self.number("b", 1), at: Self.at(0), takesUp: true) == .next)
        #expect(table.heard(Self.number("c", 1), at: Self.at(0), takesUp: true) == nil)
        #expect(table.heard(Self.number("a", 2), at: Self.at(0), takesUp: false) == .next)
        table.learn([SourceMark(source: "d", seq: 1, heard: Self.at(0))])
        #expect(table.count == 2)
        #expect(table.forget(heardBefore: Self.at(1)) == 2)
        #expect(table.heard(Self.number("c", 1), at: Self.at(2), takesUp: true) == .next)
    }

    @Test func onlyChangedMarksAreTakenAndThoseNotNotedAgain() {
        var table = SourceTable(limit: 10)
        table.learn([SourceMark(source: "z", seq: 1, heard: Self.at(0))])
        #expect(table.takeMarks().isEmpty)
        _ = table.heard(Self.number("b", 1), at: Self.at(1), takesUp: true)
        _ = table.heard(Self.number("a", 4), at: Self.at(2), takesUp: true)
        let marks = table.takeMarks()
        #expect(
            marks == [
                SourceMark(source: "a", seq: 4, heard: Self.at(2), types: ["t"]),
                SourceMark(source: "b", seq: 1, heard: Self.at(1), types: ["t"]),
            ]
        )
        #expect(table.takeMarks().isEmpty)
        table.putBack(marks)
        _ = table.heard(Self.number("a", 5), at: Self.at(3), takesUp: true)
        #expect(table.takeMarks().map(\.seq) == [5, 1])
    }

    @Test func marksFromLongAgoAreStaleAtOnce() {
        var table = SourceTable(limit: 10)
        table.learn([
            SourceMark(source: "old", seq: 1, heard: Self.at(0), types: ["t"]),
            SourceMark(source: "new", seq: 1, heard: Self.at(90), types: ["t"]),
        ])
        #expect(table.checked(at: Self.at(100), limit: .seconds(30)) == ["old"])
        #expect(table.checked(at: Self.at(101), limit: .seconds(30)) == [])
        #expect(table.stale == [StaleSource(name: "old", types: ["t"])])
        _ = table.heard(Self.number("old", 2), at: Self.at(102), takesUp: true)
        #expect(table.stale.isEmpty)
    }

    @Test func silenceWhileNothingCouldBeHeardDoesNotCount() {
        var table = SourceTable(limit: 10)
        _ = table.heard(Self.number("a"), at: Self.at(0), takesUp: true)
        table.held(until: Self.at(50))
        #expect(table.checked(at: Self.at(79), limit: .seconds(30)) == [])
        #expect(table.checked(at: Self.at(81), limit: .seconds(30)) == ["a"])
    }
}

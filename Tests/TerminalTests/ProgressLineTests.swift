// SPDX-License-Identifier: Apache-2.0

import Terminal
import Testing

struct ProgressLineTests {
    private let start = ContinuousClock.now

    /// What is written at times in seconds.
    private func written(
        _ style: ProgressLine.Style,
        width: Int = 200,
        _ advances: [(seconds: Double, advance: Advance)]
    ) -> [String?] {
        var line = ProgressLine(style)
        return advances.map { seconds, advance in
            line.advanced(advance, at: self.start + .seconds(seconds), width: width)
        }
    }

    private static func rows(_ done: Int, of total: Int? = 1_000, note: String = "") -> Advance {
        Advance("verifying", done: done, of: total, unit: "entries", note: note)
    }

    @Test func aBarSaysHowFarHowFastAndHowLong() {
        let written = self.written(
            .bar,
            [(0, Self.rows(0)), (0.5, Self.rows(100)), (2, Self.rows(500, note: "3 findings")), (4, Self.rows(1_000))]
        )
        let clear = ProgressLine.clearing
        #expect(
            written == [
                clear + "verifying  [........................]    0 %  0 of 1,000 entries",
                clear + "verifying  [##......................]   10 %  100 of 1,000 entries",
                clear
                    + "verifying  [############............]   50 %  500 of 1,000 entries  250/s  2 s left  3 findings",
                clear + "verifying  [########################]  100 %  1,000 of 1,000 entries  250/s",
            ]
        )
    }

    @Test func aBarIsDrawnTenTimesASecondAtMost() {
        let written = self.written(.bar, (0..<100).map { (Double($0) / 100, Self.rows($0)) })
        #expect(written.compactMap { $0 }.count == 10)
    }

    @Test func aBarLeavesTheLastColumnFree() {
        let written = self.written(.bar, width: 20, [(0, Self.rows(500))])
        #expect(written == [ProgressLine.clearing + "verifying  [######…"])
    }

    @Test func linesComeEveryFiveSecondsAndNotBefore() {
        let written = self.written(
            .lines,
            [
                (0, Self.rows(0)), (4.9, Self.rows(490)), (5, Self.rows(500)), (9, Self.rows(900)),
                (10, Self.rows(1_000)),
            ]
        )
        #expect(
            written == [
                nil, nil, "verifying   50 %  500 of 1,000 entries  100/s  5 s left\n", nil,
                "verifying  100 %  1,000 of 1,000 entries  100/s\n",
            ]
        )
    }

    @Test func whereTheEndIsNotKnownThereIsNoBar() {
        let written = self.written(.bar, [(0, Self.rows(0, of: nil)), (2, Self.rows(10, of: nil))])
        #expect(written.last == ProgressLine.clearing + "verifying  10 entries  5/s")
    }

    /// What another phase took says nothing of this one.
    @Test func anotherPhaseIsMeasuredAnew() {
        let written = self.written(
            .bar,
            [
                (0, Self.rows(0)), (10, Self.rows(1_000)),
                (10.5, Advance("settling", done: 100, of: 300, unit: "rows")),
                (12.5, Advance("settling", done: 200, of: 300, unit: "rows")),
            ]
        )
        #expect(written[2]?.hasSuffix("33 %  100 of 300 rows") == true)
        #expect(written[3]?.hasSuffix("200 of 300 rows  50/s  2 s left") == true)
    }

    @Test func nothingIsWrittenWhenQuiet() {
        #expect(self.written(.silent, [(0, Self.rows(0)), (60, Self.rows(900))]) == [nil, nil])
    }

    @Test func aBarThatWasTakenAwayComesBackAtOnce() {
        var line = ProgressLine(.bar)
        #expect(line.cleared() == nil)
        #expect(line.advanced(Self.rows(1), at: self.start, width: 80) != nil)
        #expect(line.cleared() == ProgressLine.clearing)
        #expect(line.cleared() == nil)
        #expect(line.advanced(Self.rows(2), at: self.start + .milliseconds(1), width: 80) != nil)
        var lines = ProgressLine(.lines)
        #expect(lines.advanced(Self.rows(1), at: self.start, width: 80) == nil)
        #expect(lines.cleared() == nil)
    }

    @Test(arguments: [(-5, 100), (500, 100), (0, 0), (5, 0)])
    func oddNumbersDoNoHarm(_ done: Int, _ total: Int) {
        let written = self.written(.bar, [(0, Self.rows(done, of: total)), (2, Self.rows(done, of: total))])
        #expect(written.allSatisfy { $0 != nil })
    }
}

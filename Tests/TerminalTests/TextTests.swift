// SPDX-License-Identifier: Apache-2.0

import Terminal
import Testing

struct TextTests {
    @Test(
        arguments: [
            (0.4, "1 s"), (59, "59 s"), (60, "1 min 0 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min"),
            (90_000, "1 d 1 h"), (.infinity, "a long time"), (-1, "a long time"),
        ] as [(Double, String)]
    )
    func timesHaveTwoUnits(_ seconds: Double, _ text: String) {
        #expect(Text.time(seconds: seconds) == text)
    }

    @Test(
        arguments: [
            (0, "0 µs"), (0.00025, "250 µs"), (0.00099, "1.0 ms"), (0.0023, "2.3 ms"), (0.025, "25 ms"),
            (0.999, "1.00 s"),
            (1.2, "1.20 s"), (12, "12.0 s"), (200, "3 min 20 s"), (.nan, "–"), (-1, "–"),
        ] as [(Double, String)]
    )
    func latenciesAreShort(_ seconds: Double, _ text: String) {
        #expect(Text.latency(seconds: seconds) == text)
    }

    @Test(
        arguments: [
            (0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (150 * 1_024, "150 KiB"), (1.5 * 1_048_576, "1.5 MiB"),
            (1e300, "0 TiB"), (-1, "–"),
        ] as [(Double, String)]
    )
    func sizesHaveAUnit(_ bytes: Double, _ text: String) {
        #expect(Text.bytes(bytes) == text)
    }

    @Test(
        arguments: [
            (0, "0"), (0.25, "0.3"), (9.94, "9.9"), (9.97, "10"), (1_234.5, "1,235"), (3, "3"), (.infinity, "0"),
        ] as [(Double, String)]
    )
    func ratesAreWholeFromTenOn(_ rate: Double, _ text: String) {
        #expect(Text.rate(rate) == text)
    }

    @Test(arguments: [
        ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("abcd", 1, "a"), ("abcd", 0, ""), ("a\u{1B}[2Jb", 20, #"a\u001b[2Jb"#),
        ("a\u{1B}[2Jb", 6, #"a\u00…"#), ("a\n\u{301}\u{202E}b", 20, "a\\n\u{301}\\u202eb"),
    ])
    func linesAreCutAndHarmless(_ text: String, _ width: Int, _ cut: String) {
        #expect(Text.cut(text, to: width) == cut)
    }

    @Test func numbersHaveGroups() {
        #expect(
            [0, 999, 1_000, 1_234_567, -1_234, .min].map(Text.grouped).prefix(5) == [
                "0", "999", "1,000", "1,234,567", "-1,234",
            ]
        )
    }
}

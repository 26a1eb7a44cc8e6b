// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite struct ExactTextTests {
    @Test func differsWhereBytesDiffer() {
        #expect("\u{e9}" == "e\u{301}")
        #expect(ExactText("\u{e9}") != ExactText("e\u{301}"))
        #expect(ExactText("a\u{323}\u{301}") != ExactText("a\u{301}\u{323}"))
        #expect(ExactText("e\u{301}") == ExactText("e" + "\u{301}"))
        #expect(Set([ExactText("a"), ExactText("a"), ExactText("\u{e9}"), ExactText("e\u{301}")]).count == 3)
    }

    /// To `String` all of these are one text with one hash, whatever it is seeded with: who chooses the names of
    /// channels would choose how long a look into a table takes.
    @Test func textsOfOneNormalFormHaveDifferentHashes() {
        let marks = ["\u{301}", "\u{323}", "\u{327}", "\u{334}", "\u{345}", "\u{5b0}"]
        var texts = ["a"]
        for mark in marks {
            texts = texts.flatMap { text in
                let scalars = Array(text.unicodeScalars)
                return (1...scalars.count).map { place in
                    String(String.UnicodeScalarView(scalars[..<place] + mark.unicodeScalars + scalars[place...]))
                }
            }
        }
        #expect(texts.count == 720 && Set(texts).count == 1)
        #expect(Set(texts.map { ExactText($0) }).count == 720)
        #expect(Set(texts.map { ExactText($0).hashValue }).count > 700)
    }

    @Test func whereATextIsStoredDoesNotMatter() {
        let whole = "rateChange:e\u{301}"
        let part = String(("x" + whole + "x").dropFirst().dropLast())
        #expect(ExactText(whole) == ExactText(part))
        #expect(ExactText(whole).hashValue == ExactText(part).hashValue)
    }

    @Test func orderIsThatOfTheBytes() {
        let ordered = ["", "A", "Z", "a", "e\u{301}", "z", "\u{e9}", "\u{301}", "日", "\u{fffd}", "🥁"]
        #expect(ordered.shuffled().map { ExactText($0) }.sorted().map(\.text) == ordered)
        #expect("z".precedes("\u{e9}") && !"a".precedes("a") && "a".precedes("ab"))
    }

    // MARK: - Parts

    @Test(arguments: [
        ("a:b", "a", "b"), ("a:\u{301}b", "a", "\u{301}b"), ("\u{600}:b", "\u{600}", "b"), (":", "", ""),
        ("a:b:c", "a", "b:c"), ("a::", "a", ":"),
    ])
    func splitsAtTheFirst(_ text: String, _ before: String, _ behind: String) throws {
        let parts = try #require(text.split(atFirst: ":"))
        #expect(parts.before.hasSameBytes(as: before) && parts.behind.hasSameBytes(as: behind))
    }

    @Test func splitsAtAll() {
        #expect("".split(atFirst: ":") == nil)
        #expect("a".split(atFirst: ":") == nil)
        #expect(
            "\u{600},a,\u{301},".parts(between: ",").map { Array($0.utf8) }
                == ["\u{600}", "a", "\u{301}", ""].map { Array($0.utf8) }
        )
        #expect("a\r\nb\n\r\n\rc".textLines == ["a", "b", "", "\rc"])
        #expect("".textLines == [""])
    }

    @Test func beginningsAndEndsAreBytes() throws {
        #expect(try #require("ask.\u{301}x".rest(after: "ask.")).hasSameBytes(as: "\u{301}x"))
        #expect("\u{e9}x".rest(after: "e") == nil)
        #expect("e\u{301}x".rest(after: "\u{e9}") == nil)
        #expect("as".rest(after: "ask") == nil)
        #expect("a".rest(after: "") == "a")
        #expect(try #require("a\u{600}/events".beginning(before: "/events")).hasSameBytes(as: "a\u{600}"))
        #expect("/events\u{301}".beginning(before: "/events") == nil)
        #expect("events".beginning(before: "/events") == nil)
        #expect("a".beginning(before: "") == "a")
    }

    @Test func cutsAtScalars() {
        #expect("abc".cut(to: 3) == "abc")
        #expect("abcd".cut(to: 3) == "ab…")
        #expect("日本語".cut(to: 3) == "日本語")
        #expect("日本語!".cut(to: 3) == "日本…")
        #expect("x".cut(to: 0) == "…" && "".cut(to: 0) == "")
        let mark = "a" + String(repeating: "\u{301}", count: 1_000)
        #expect(mark.count == 1 && mark.cut(to: 10).unicodeScalars.count == 10)
    }
}

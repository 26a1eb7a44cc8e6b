// SPDX-License-Identifier: Apache-2.0

import JSON
import SafeText
import Testing

struct EscapeTests {
    @Test(arguments: [
        ("", ""), ("plain text, 1 < 2", "plain text, 1 < 2"), ("Grüße an 東京 🇩🇪", "Grüße an 東京 🇩🇪"),
        ("a\nb\r\nc\td", #"a\nb\r\nc\td"#), ("\u{0}\u{7}\u{8}", #"\u0000\u0007\u0008"#),
        ("\u{1B}[2J\u{1B}]0;title\u{7}", #"\u001b[2J\u001b]0;title\u0007"#), ("\u{7F}", #"\u007f"#),
        ("\u{9B}31m\u{85}", #"\u009b31m\u0085"#), ("a\u{2028}b\u{2029}c", #"a\u2028b\u2029c"#),
        ("\u{202E}evil\u{202C}\u{2066}\u{2069}\u{200F}", #"\u202eevil\u202c\u2066\u2069\u200f"#),
        ("\u{FEFF}\u{200B}\u{AD}", #"\ufeff\u200b\u00ad"#), ("\u{E0041}", #"\udb40\udc41"#),
        ("\u{1F469}\u{200D}\u{1F4BB} \u{645}\u{200C}\u{627}", "\u{1F469}\u{200D}\u{1F4BB} \u{645}\u{200C}\u{627}"),
        // A combining mark makes one character of the line end before it.
        ("a\n\u{301}b", "a\\n\u{301}b"), (#"a\nb"#, #"a\nb"#),
    ])
    func nothingIsLeftThatATerminalObeys(_ text: String, _ escaped: String) {
        #expect(Escape.text(text) == escaped)
        #expect(Escape.text(escaped) == escaped)
    }

    @Test func linesStay() {
        #expect(Escape.lines("a\u{1B}b\nc\r\n\u{301}d\n") == "a\\u001bb\nc\\r\n\u{301}d\n")
    }

    /// The reader of the JSON gets what was in it.
    @Test func ofJSONItIsTheSameJSON() throws {
        let text = "x\u{7F}\u{9B}\u{202E}\u{2028}\u{E0041}\\\"\u{1B}\n"
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("a\u{2066}", string: text)
        writer.endObject()
        let escaped = Escape.text(String(decoding: writer.bytes, as: UTF8.self))
        #expect(escaped.utf8.allSatisfy { 0x20...0x7E ~= $0 })
        #expect(try JSON.Value.parse(Array(escaped.utf8))["a\u{2066}"]?.string == text)
    }
}

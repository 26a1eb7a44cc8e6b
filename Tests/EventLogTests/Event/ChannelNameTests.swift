// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

@Suite struct ChannelNameTests {
    @Test(arguments: [
        ("balanceUpdate:u_42", "balanceUpdate", "u_42"),
        ("rateChange:BTC/USDT", "rateChange", "BTC/USDT"),
        ("a:b:c", "a", "b:c"),
        ("a::", "a", ":"),
        ("x.y-z_9:k", "x.y-z_9", "k"),
        ("t:key with spaces", "t", "key with spaces"),
        ("t:ключ", "t", "ключ"),
        ("t:😀", "t", "😀"),
        ("t:\"\\", "t", "\"\\"),
    ])
    func namesAreSplitAtTheFirstColon(text: String, type: String, key: String) throws {
        let name = try #require(ChannelName(parsing: text))
        #expect(name.type == type)
        try #require(name.type.endIndex < name.description.endIndex)
        #expect(name.key == key)
        #expect(name.description == text)
        #expect(name == ChannelName(type: type, key: key))
    }

    @Test(arguments: [
        "", ":", "balanceUpdate", "balanceUpdate:", ":u_42", "9type:k", "_t:k", "-t:k", "ty pe:k", "té:k",
        "t:\n", "t:a\u{7F}b", "t:\u{0}", "t:a\tb",
        "t:" + String(repeating: "k", count: 201),
        "t:" + String(repeating: "é", count: 101),
        String(repeating: "t", count: 65) + ":k",
    ])
    func badNamesAreRefused(text: String) {
        #expect(ChannelName(parsing: text) == nil)
    }

    @Test func longestNameIsAccepted() {
        let text = String(repeating: "t", count: 64) + ":" + String(repeating: "k", count: 200)
        #expect(ChannelName(parsing: text)?.description == text)
    }

    /// A combining mark after the colon makes one `Character` with it.
    @Test(arguments: ["t:\u{301}k", "t:\u{FE0F}", "t:\u{200D}a"])
    func colonThatLooksLikeAnotherCharacterStillSeparates(text: String) throws {
        let name = try #require(ChannelName(parsing: text))
        #expect(name.type == "t")
        try #require(name.type.endIndex < name.description.endIndex, "key would trap")
        #expect(name.key.utf8.elementsEqual(text.utf8.dropFirst(2)))
    }

    /// The tape keeps them apart, and one of them may be another user's.
    @Test func differentlyComposedKeysAreDifferentNames() {
        let composed = ChannelName(type: "t", key: "\u{E9}")
        let decomposed = ChannelName(type: "t", key: "e\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test func namesAreOrderedByText() {
        let names = ["b:1", "a:2", "a:1", "a:10"].compactMap { ChannelName(parsing: $0) }
        #expect(names.sorted().map(\.description) == ["a:1", "a:10", "a:2", "b:1"])
    }
}

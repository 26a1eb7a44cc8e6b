// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebSocket

@Suite struct HeaderFieldsTests {
    private let fields = HeaderFields([("Accept", "a"), ("ACCEPT", " b ,, c"), ("Upgrade", "h2c, WebSocket")])

    @Test(arguments: ["accept", "Accept", "aCCEPT"])
    func namesCompareWithoutCase(name: String) {
        #expect(fields[name] == "a")
        #expect(fields.values(name) == ["a", " b ,, c"])
    }

    @Test func absentFieldsHaveNoValue() {
        #expect(fields["host"] == nil)
        #expect(fields.values("host") == [])
        #expect(fields.list("host") == [])
        #expect(fields.count("host") == 0)
    }

    @Test func listsSpanLines() {
        #expect(fields.list("accept") == ["a", "b", "c"])
        #expect(fields.count("accept") == 2)
    }

    @Test func tokensOfAListCompareWithoutCase() {
        #expect(fields.list("upgrade", contains: "websocket"))
        #expect(!fields.list("upgrade", contains: "socket"))
    }

    @Test func aCommaBeforeACombiningMarkIsAComma() {
        #expect(HeaderFields([("a", "x,\u{301}y")]).list("a") == ["x", "\u{301}y"])
    }

    @Test(arguments: [
        ("permessage-deflate", true), ("a.b_c~1", true), ("", false), ("a b", false), ("ä", false), ("a/b", false),
    ])
    func tokensHaveACharacterSet(text: String, isToken: Bool) {
        #expect(text.isToken == isToken)
    }
}

// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite
struct SelectionTests {
    private static let names = ["a", "ab", "abcdefgh", "abcdefghi", "abcdefghj", "", "é", "e\u{301}", "tab\t", "z"]

    /// What one lookup for each name finds.
    @Test(arguments: [
        #"{}"#, #"{"a":1}"#, #"{"z":1,"a":2,"ab":3}"#, #"{"abcdefgi":1,"abcdefghi":[{"a":7}],"abcdefghj":"\"","":{}}"#,
        #" { "a" : 1 , "abcdefgh" : { "ab" : "}" } , "q" : [ ] , "ab" : "x" } "#, "{\"é\":1,\"e\u{301}\":2}",
        #"{"\u0061":1,"a\u0062":2,"tab\t":3,"\u00e9":4,"ab\\":5}"#, #"{"b":1,"aa":2,"A":3,"ab ":4,"abcdefg":5}"#,
        #"[{"a":1}]"#, #""a""#, "1", #"{"x":{"a":1}}"#, #"{"q":0,"z":1}"#, #"{"z":"abcdefgh"}"#, #"{"a":0}"#,
    ])
    func findsWhatLookupsFind(_ text: String) throws {
        let value = try Value.parse(Array(text.utf8))
        let selected = value.select(Selection(Self.names))
        for (place, name) in Self.names.enumerated() {
            #expect(selected[place]?.text == value[name]?.text, "\(name) of \(text)")
        }
    }

    @Test
    func aPartIsNotReadBeyondItsEnd() throws {
        let list = try Value.parse(Array(#"[{"a":1},{"ab":2}]"#.utf8))
        let selection = Selection(["a", "ab"])
        let found = list.elements.map { element in
            (0..<2).map { element.select(selection)[$0]?.integer(in: .seq) }
        }
        #expect(found == [[1, nil], [nil, 2]])
    }

    @Test(arguments: [0, 7, 10, 99, 100, -1, -10, Int.max, Int.min])
    func integersAreAppendedAsTheyAreDescribed(_ integer: Int) {
        var text: [UInt8] = Array("x".utf8)
        text.append(decimal: integer)
        #expect(text == Array("x\(integer)".utf8))
    }
}

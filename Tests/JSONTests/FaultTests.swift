// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite
struct FaultTests {
    @Test(arguments: [
        (#"{"payment":"a"x"#, "expected ',' or '}' after a member, found 'x' at byte 14"),
        ("[1 2", "expected ',' or ']' after an element, found '2' at byte 3"),
        ("[\u{C}", "expected a value or ']', found 0x0C at byte 1"),
        ("[1, ]", "expected a value, found ']' at byte 4"),
        ("{1", "expected a member name or '}', found '1' at byte 1"),
        (#"{"a":1,}"#, "expected a member name, found '}' at byte 7"),
        (#"{"a" 1}"#, "expected ':' after a member name, found '1' at byte 5"),
        ("nuclear", "expected the literal null, found 'c' at byte 2"),
        ("tRUE", "expected the literal true, found 'R' at byte 1"),
        ("\u{FEFF}", "expected a value, found 0xEF at byte 0"),
        ("[", "the text ends before the value is complete at byte 1"),
        ("[[", "arrays and objects are nested more than 1 deep at byte 1"),
        ("[01]", "a number is not written as JSON requires at byte 2"),
        ("1 1", "the value is followed by something else at byte 2"),
        ("\"\\x\"", "a backslash in a string starts no known escape at byte 1"),
        ("\"\\uDC00\"", "a \\u escape is half of a surrogate pair at byte 1"),
        ("\"\u{1}\"", "the control character 0x01 is not escaped in a string at byte 1"),
        (#"{"a\n":1,"a\n":2}"#, #"the member "a\n" is given twice in one object at byte 9"#),
    ])
    func descriptionSaysWhatAndWhere(_ text: String, _ expected: String) {
        let fault = #expect(throws: Fault.self) { try Value.parse(Array(text.utf8), maxDepth: 1) }
        #expect(fault?.description == expected)
    }

    @Test
    func descriptionOfInvalidUTF8SaysWhere() {
        let fault = #expect(throws: Fault.self) { try Value.parse([0x22, 0xFF, 0x22]) }
        #expect(fault?.description == "a string is not valid UTF-8 at byte 1")
    }

    @Test
    func longNameIsCutInDescription() {
        let name = String(repeating: "é", count: 1000)
        let fault = Fault(offset: 3, reason: .duplicateMember(name))
        #expect(fault.description == "the member \"\(name.prefix(64))\" is given twice in one object at byte 3")
    }
}

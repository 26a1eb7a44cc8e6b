// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite
struct ValueTests {
    @Test(arguments: [
        ("null", Value.Kind.null), ("true", .bool), ("false", .bool), ("-1", .number), ("0", .number),
        ("\"\"", .string), ("[]", .array), ("{}", .object),
    ])
    func kindIsThatOfTheToken(_ text: String, _ kind: Value.Kind) throws {
        let value = try parse(" \(text) ")
        #expect(value.kind == kind)
        #expect(String(decoding: value.text, as: UTF8.self) == text)
        #expect(value.isNull == (kind == .null))
        #expect((value.string != nil) == (kind == .string))
        #expect((value.number != nil) == (kind == .number))
        #expect(value.bool == (kind == .bool ? text == "true" : nil))
        #expect(value.integer(in: -1...1) == (kind == .number ? Int(text) : nil))
        #expect(value.equals("") == (kind == .string))
        #expect(value.count == 0)
        #expect(value["a"] == nil)
        #expect(value.members.map(\.name) == [])
        #expect(value.elements.map(\.kind) == [])
    }

    @Test(arguments: [
        "12.50", "-0", "1E400", "0.10000000000000000000000000001", "123456789012345678901234567890", "1.0e+2",
    ])
    func numberKeepsItsText(_ text: String) throws {
        #expect(try parse("[ \(text) ]").elements.map(\.number) == [text])
    }

    @Test(arguments: [
        ("0", 0), ("-0", 0), ("42", 42), ("-42", -42), ("9223372036854775807", Int.max),
        ("-9223372036854775808", Int.min), ("9223372036854775808", nil), ("-9223372036854775809", nil),
        ("18446744073709551616", nil), ("99999999999999999999999", nil), ("1.0", nil), ("1e3", nil), ("1E0", nil),
        ("-1.5", nil), ("\"1\"", nil), ("true", nil),
    ])
    func integerIsExactOrNil(_ text: String, _ expected: Int?) throws {
        #expect(try parse(text).integer(in: Int.min...Int.max) == expected)
    }

    @Test(arguments: [
        (#""""#, ""), (#""a""#, "a"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0000""#, "\u{0}"),
        (#""\u00e9\u20AC""#, "é€"), (#""\uD83D\uDE00!""#, "😀!"), (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
        (#""\ud800\udc00""#, "\u{10000}"), (#""\\u0061""#, "\\u0061"), (#""é\n€\t😀""#, "é\n€\t😀"),
        (#""\uFFFF""#, "\u{FFFF}"),
        (#""a long string without any escapes""#, "a long string without any escapes"),
        (#""a long string with one at the end\"""#, "a long string with one at the end\""),
    ])
    func stringIsUnescaped(_ text: String, _ expected: String) throws {
        let value = try parse(text)
        let string = try #require(value.string)
        #expect(Array(string.utf8) == Array(expected.utf8))
        #expect(value.equals(expected))
        #expect(!value.equals(expected + "x"))
        #expect(!value.equals("x" + expected.dropFirst()))
        #expect(!value.equals(String(text.dropFirst().dropLast())) || text.dropFirst().dropLast() == expected)
        let object = try parse("{\"other\":0,\(text):1}")
        #expect(object[expected]?.integer(in: .seq) == 1)
        #expect(object[expected + " "] == nil)
        #expect(object.members.map(\.name) == ["other", expected])
    }

    @Test
    func namesAndStringsAreComparedByScalarsNotCharacters() throws {
        let value = try parse("{\"\u{E9}\":\"\u{E9}\",\"e\u{301}\":\"e\u{301}\"}")
        #expect(value.count == 2)
        #expect(value["\u{E9}"]?.text.count == 4)
        #expect(value["e\u{301}"]?.text.count == 5)
        #expect(value["\u{E9}"]?.equals("e\u{301}") == false)
    }

    @Test
    func everyPartOfTheDocumentIsReached() throws {
        let value = try Value.parse(Sample.document)
        #expect(value.count == 7)
        #expect(value.members.map(\.name) == ["null", "yes", "no", "numbers", "text", "", "nested"])
        #expect(value.members.map(\.value.kind) == [.null, .bool, .bool, .array, .string, .object, .array])
        #expect(value["null"]?.isNull == true)
        #expect(value["yes"]?.bool == true)
        #expect(value["no"]?.bool == false)
        #expect(
            value["numbers"]?.elements.map(\.number)
                == ["0", "-0", "-12.50e+3", "1E-7", "123456789012345678901234567890"]
        )
        #expect(value["numbers"]?.count == 5)
        #expect(value["text"]?.string == "a\"\\/\u{8}\u{C}\n\r\té😀 é€😀")
        #expect(value[""]?.kind == .object)
        #expect(value["nested"]?.elements.map(\.count) == [0, 1])
        let inner = value["nested"]?.elements.dropFirst().first { _ in true }
        #expect(inner?.elements.first { _ in true }?["a"]?.elements.map { $0.integer(in: .seq) } == [1])
        #expect(value["absent"] == nil)
        #expect(value["numbers"]?["0"] == nil)
    }

    @Test
    func eventIsReadMemberByMember() throws {
        let event = try Value.parse(Sample.event)
        #expect(event["type"]?.equals("transactionUpdate") == true)
        #expect(event["keys"]?.elements.map(\.string) == ["u_42", "u_77"])
        #expect(event["id"]?.string == "tx-9001:completed")
        #expect(event["data"]?["amount"]?.string == "12.50")
        #expect(event["data"]?["id"] == nil)
        #expect(event["amount"] == nil)
    }

    @Test(arguments: Corpus.valid)
    func compactedTextMeansTheSame(_ sample: Sample) throws {
        let value = try Value.parse(sample.bytes)
        let compacted = value.compacted()
        let again = try Value.parse(compacted)
        #expect(again.isCompact)
        #expect(again.text.count == compacted.count)
        #expect(tokens(of: again) == tokens(of: value))
        #expect(value.isCompact == (compacted == Array(value.text)))
    }

    @Test
    func onlyWhitespaceBetweenTokensIsRemoved() throws {
        let value = try parse(" { \"a b\" : [ 1 ,\t{ } , \" \\\" \" ]\r\n, \"c\":[1,\"x y\"] } ")
        #expect(String(decoding: value.compacted(), as: UTF8.self) == #"{"a b":[1,{}," \" "],"c":[1,"x y"]}"#)
        #expect(!value.isCompact)
        #expect(value["a b"]?.isCompact == false)
        #expect(value["c"]?.isCompact == true)
        #expect(value["c"].map { String(decoding: $0.compacted(), as: UTF8.self) } == #"[1,"x y"]"#)
    }

    @Test
    func partOfCompactTextIsCompact() throws {
        let event = try Value.parse(Sample.event)
        #expect(event.isCompact)
        #expect(event.compacted() == Sample.event)
        #expect(event["data"]?.isCompact == true)
        #expect(event["data"]?.compacted() == event["data"].map { Array($0.text) })
        #expect(try parse(" [1] ").compacted() == Array("[1]".utf8))
        #expect(try parse(" [1] ").isCompact)
    }

    private func parse(_ text: String) throws(Fault) -> Value {
        try Value.parse(Array(text.utf8))
    }
}

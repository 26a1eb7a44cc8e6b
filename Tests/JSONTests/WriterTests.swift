// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite
struct WriterTests {
    @Test
    func commasAndColonsArePlaced() {
        var writer = Writer()
        writer.beginObject()
        writer.name("a")
        writer.beginArray()
        writer.integer(1)
        writer.string("x")
        writer.beginObject()
        writer.endObject()
        writer.beginArray()
        writer.endArray()
        writer.null()
        writer.raw([0x5B, 0x5D])
        writer.endArray()
        writer.name("b")
        writer.bool(true)
        writer.endObject()
        #expect(text(writer) == #"{"a":[1,"x",{},[],null,[]],"b":true}"#)
    }

    @Test
    func membersAreWrittenInOrder() throws {
        let event = try Value.parse(Sample.event)
        var writer = Writer(reservingCapacity: 0)
        writer.beginObject()
        writer.member("s", string: "v")
        writer.member("i", integer: -7)
        writer.member("u", integer: UInt64.max)
        writer.member("t", bool: true)
        writer.member("f", bool: false)
        writer.member("n", .null)
        writer.member("r", raw: try #require(event["keys"]).text)
        writer.member("e", raw: Array("12.50".utf8))
        writer.endObject()
        let expected = """
            {"s":"v","i":-7,"u":18446744073709551615,"t":true,"f":false,"n":null,"r":["u_42","u_77"],"e":12.50}
            """
        #expect(text(writer) == expected)
    }

    @Test(arguments: [
        ("", #""""#), ("a", #""a""#), ("\"", #""\"""#), ("\\", #""\\""#), ("/", #""/""#),
        ("\u{8}\u{C}\n\r\t", #""\b\f\n\r\t""#), ("\u{0}\u{1}\u{F}\u{10}\u{1F}", #""\u0000\u0001\u000f\u0010\u001f""#),
        ("\u{7F}", "\"\u{7F}\""), ("é€😀", "\"é€😀\""), ("\u{2028}", "\"\u{2028}\""), ("é\"é", #""é\"é""#),
        ("12345678\"", #""12345678\"""#), ("1234567\n9", #""1234567\n9""#), ("</script>", #""</script>""#),
    ])
    func onlyWhatMustBeIsEscaped(_ string: String, _ expected: String) {
        var value = Writer()
        value.string(string)
        #expect(text(value) == expected)
        var name = Writer()
        name.name(string)
        #expect(text(name) == expected + ":")
    }

    @Test(arguments: UInt32(0)...0x17F)
    func everyScalarComesBack(_ number: UInt32) throws {
        let scalar = try #require(Unicode.Scalar(number))
        for length in 0..<18 {
            let string = String(repeating: "a", count: length) + String(scalar) + String(repeating: "b", count: length)
            var writer = Writer()
            writer.string(string)
            #expect(try Value.parse(writer.bytes).string == string)
        }
    }

    @Test(arguments: [Int.min, -1, 0, 1, 9, 10, 255, Int.max])
    func integersAreWrittenInFull(_ number: Int) throws {
        var writer = Writer()
        writer.integer(number)
        #expect(text(writer) == "\(number)")
        #expect(try Value.parse(writer.bytes).integer(in: Int.min...Int.max) == number)
    }

    @Test
    func integersOfAllWidthsAreWritten() {
        var writer = Writer()
        writer.beginArray()
        writer.integer(Int8.min)
        writer.integer(UInt8.max)
        writer.integer(UInt16.max)
        writer.integer(Int32.min)
        writer.integer(UInt64.max)
        writer.integer(Int128.min)
        writer.endArray()
        #expect(
            text(writer)
                == "[-128,255,65535,-2147483648,18446744073709551615,-170141183460469231731687303715884105728]"
        )
    }

    @Test(arguments: Corpus.valid)
    func rewrittenValueMeansTheSame(_ sample: Sample) throws {
        let value = try Value.parse(sample.bytes)
        var writer = Writer()
        rewrite(value, with: &writer)
        let again = try Value.parse(writer.bytes)
        #expect(tokens(of: again) == tokens(of: value))
        #expect(again.isCompact)
        var second = Writer()
        rewrite(again, with: &second)
        #expect(second.bytes == writer.bytes)
    }

    private func text(_ writer: Writer) -> String {
        String(decoding: writer.bytes, as: UTF8.self)
    }
}

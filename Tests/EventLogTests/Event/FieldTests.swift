// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import Testing

@Suite struct FieldTests {
    private func validationError(_ field: Field, _ data: String) throws -> String? {
        field.validationError(of: try JSON.Value.parse(Array(data.utf8)))
    }

    @Test(arguments: [
        ("0", true), ("1", true), ("-1", true), ("-0", true), ("0.0", true), ("123.45", true), ("-0.00000001", true),
        ("007", true), ("115792089237316195423570985008687907853269984665640564039457584007913129639935", true),
        (String(repeating: "9", count: 160), true),
        (String(repeating: "9", count: 161), false),
        ("", false), ("-", false), (".", false), ("1.", false), (".5", false), ("+1", false), ("--1", false),
        ("1-", false), ("1.2.3", false), ("1,5", false), ("1e5", false), ("1E5", false), ("0x10", false),
        (" 1", false), ("1 ", false), ("NaN", false), ("Infinity", false), ("١", false),
        ("-.5", false), ("1_000", false),
    ])
    func decimalsAreDigitsWithOnePoint(text: String, isDecimal: Bool) {
        #expect(Field.Kind.isDecimal(text) == isDecimal)
    }

    @Test(arguments: [
        ("0.1", "not the number 0.1"), ("1e3", "not the number 1e3"), ("-7", "not the number -7"),
        ("100.10000000000000000001", "not the number 100.10000000000000000001"),
    ])
    func floatAmountIsRefusedWithAHint(number: String, hint: String) throws {
        let message = try #require(try self.validationError(Field("amount", .decimal), #"{"amount":\#(number)}"#))
        #expect(message == "must be a decimal string such as \"123.45\", \(hint)")
    }

    struct Sample: Sendable, CustomTestStringConvertible {
        var kind: Field.Kind
        var json: String
        var message: String?

        init(_ kind: Field.Kind, _ json: String, _ message: String?) {
            self.kind = kind
            self.json = json
            self.message = message
        }

        var testDescription: String { "\(self.kind) of \(self.json)" }
    }

    @Test(arguments: [
        Sample(.decimal, #""12.50""#, nil),
        Sample(.decimal, #""1e3""#, "must be a decimal string such as \"123.45\""),
        Sample(.decimal, "null", "must be a decimal string such as \"123.45\""),
        Sample(.decimal, "true", "must be a decimal string such as \"123.45\""),
        Sample(.decimal, #""\u0031\u002e5""#, nil),
        Sample(.string, #""""#, nil),
        Sample(.string, "1", "must be a string"),
        Sample(.choice(["seen", "final"]), #""seen""#, nil),
        Sample(.choice(["seen", "final"]), #""Seen""#, "must be one of \"seen\", \"final\""),
        Sample(.choice(["seen", "final"]), "1", "must be one of \"seen\", \"final\""),
        Sample(.integer, "0", nil),
        Sample(.integer, "-9223372036854775808", nil),
        Sample(.integer, "9223372036854775808", "must be a whole number"),
        Sample(.integer, "1.0", "must be a whole number"),
        Sample(.integer, "1e3", "must be a whole number"),
        Sample(.integer, #""1""#, "must be a whole number"),
        Sample(.seq, "0", nil),
        Sample(.seq, "9007199254740991", nil),
        Sample(.seq, "9007199254740992", "must be a whole number from 0 to 9007199254740991"),
        Sample(.seq, "9223372036854775807", "must be a whole number from 0 to 9007199254740991"),
        Sample(.seq, "-1", "must be a whole number from 0 to 9007199254740991"),
        Sample(.seq, "1e3", "must be a whole number from 0 to 9007199254740991"),
        Sample(.boolean, "false", nil),
        Sample(.boolean, "0", "must be true or false"),
        Sample(.object, "{}", nil),
        Sample(.object, "[]", "must be an object"),
        Sample(.array, "[]", nil),
        Sample(.array, "{}", "must be an array"),
        Sample(.any, "null", nil),
        Sample(.any, "[1]", nil),
    ])
    func kindsAreChecked(sample: Sample) throws {
        let data = #"{"f":\#(sample.json)}"#
        #expect(try self.validationError(Field("f", sample.kind), data) == sample.message)
        #expect(try self.validationError(Field("f", sample.kind, required: true), data) == sample.message)
    }

    @Test func requiredFieldMustBeThere() throws {
        #expect(try self.validationError(Field("f", .string, required: true), #"{"g":1}"#) == "is required (a string)")
        #expect(try self.validationError(Field("f", .string), #"{"g":1}"#) == nil)
    }
}

// SPDX-License-Identifier: Apache-2.0

import JSON

/// A text that must be refused, and the fault it must be refused with.
struct Refused: Sendable {
    let sample: Sample
    let fault: Fault

    init(_ sample: Sample, _ offset: Int, _ reason: Fault.Reason) {
        self.sample = sample
        fault = Fault(offset: offset, reason: reason)
    }

    /// A byte at the offset is not what was expected.
    init(_ sample: Sample, _ offset: Int, expected: Fault.Expectation) {
        self.init(sample, offset, .unexpectedByte(sample.bytes[offset], expected: expected))
    }
}

/// Texts in the spirit of JSONTestSuite's `n_` files.
extension Corpus {
    static let invalid: [Refused] = ends + structure + numbers + literals + strings + encodings + names + depths

    private static let ends: [Refused] = [
        Refused("", 0, .unexpectedEnd), Refused(" ", 1, .unexpectedEnd), Refused("[", 1, .unexpectedEnd),
        Refused("{", 1, .unexpectedEnd), Refused("[1", 2, .unexpectedEnd), Refused("[1,", 3, .unexpectedEnd),
        Refused("[\"a\"", 4, .unexpectedEnd), Refused("{\"a\"", 4, .unexpectedEnd),
        Refused("{\"a\":", 5, .unexpectedEnd),
        Refused("{\"a\":1", 6, .unexpectedEnd), Refused("{\"a\":1,", 7, .unexpectedEnd),
        Refused("\"", 1, .unexpectedEnd),
        Refused("\"a", 2, .unexpectedEnd), Refused("\"\\", 2, .unexpectedEnd), Refused("\"\\\"", 3, .unexpectedEnd),
        Refused("\"\\u", 3, .unexpectedEnd), Refused("\"\\u00", 5, .unexpectedEnd), Refused("-", 1, .unexpectedEnd),
        Refused("1.", 2, .unexpectedEnd), Refused("1e", 2, .unexpectedEnd), Refused("1e+", 3, .unexpectedEnd),
        Refused("tru", 3, .unexpectedEnd), Refused("[[]", 3, .unexpectedEnd), Refused("[{\"a\":[", 7, .unexpectedEnd),
        Refused("\"\\uD83D", 7, .unexpectedEnd), Refused("\"\\uD83D\\", 8, .unexpectedEnd),
    ]

    private static let structure: [Refused] = [
        Refused("]", 0, expected: .value), Refused("}", 0, expected: .value), Refused(",", 0, expected: .value),
        Refused(":", 0, expected: .value), Refused("*", 0, expected: .value), Refused("'a'", 0, expected: .value),
        Refused("[,]", 1, expected: .valueOrEndOfArray), Refused("[,1]", 1, expected: .valueOrEndOfArray),
        Refused("[}", 1, expected: .valueOrEndOfArray), Refused(.ours("[1,]"), 3, expected: .value),
        Refused("[1,,2]", 3, expected: .value), Refused("[1,}", 3, expected: .value),
        Refused("[1 2]", 3, expected: .commaOrEndOfArray), Refused("[1}", 2, expected: .commaOrEndOfArray),
        Refused("[\"a\":1]", 4, expected: .commaOrEndOfArray), Refused("[1;2]", 2, expected: .commaOrEndOfArray),
        Refused("[3[4]]", 2, expected: .commaOrEndOfArray), Refused("[a]", 1, expected: .valueOrEndOfArray),
        Refused("{,}", 1, expected: .memberNameOrEndOfObject), Refused("{]", 1, expected: .memberNameOrEndOfObject),
        Refused("{1:1}", 1, expected: .memberNameOrEndOfObject),
        Refused("{a:1}", 1, expected: .memberNameOrEndOfObject),
        Refused("{'a':1}", 1, expected: .memberNameOrEndOfObject), Refused("{[", 1, expected: .memberNameOrEndOfObject),
        Refused("{\"a\" 1}", 5, expected: .colon), Refused("{\"a\",1}", 4, expected: .colon),
        Refused("{\"a\"}", 4, expected: .colon), Refused("{\"a\":}", 5, expected: .value),
        Refused("{\"a\"::1}", 5, expected: .value), Refused("{\"a\":1 \"b\":2}", 7, expected: .commaOrEndOfObject),
        Refused("{\"a\":1]", 6, expected: .commaOrEndOfObject), Refused(.ours("{\"a\":1,}"), 7, expected: .memberName),
        Refused("{\"a\":1,,\"b\":2}", 7, expected: .memberName), Refused("{\"a\":1,1:2}", 7, expected: .memberName),
        Refused("{\"a\":\"b\",null}", 9, expected: .memberName), Refused("{\"a\":/**/1}", 5, expected: .value),
        Refused("[1]//", 3, .trailingBytes), Refused("[1] #", 4, .trailingBytes), Refused("{}{}", 2, .trailingBytes),
        Refused("[]]", 2, .trailingBytes), Refused("{}}", 2, .trailingBytes), Refused("1 2", 2, .trailingBytes),
        Refused("null,", 4, .trailingBytes), Refused("\"a\"x", 3, .trailingBytes),
        Refused("[1]\u{A0}", 3, .trailingBytes),
        Refused("[\u{C}]", 1, expected: .valueOrEndOfArray), Refused("[\u{2060}]", 1, expected: .valueOrEndOfArray),
        Refused("\u{B}1", 0, expected: .value), Refused(.ours("1\u{0}"), 1, .trailingBytes),
        Refused(.ours("\u{FEFF}{}"), 0, expected: .value),
        Refused(Sample([0xFF, 0xFE, 0x31, 0], isAgreed: false), 0, expected: .value),
    ]

    private static let numbers: [Refused] = [
        Refused("01", 1, .invalidNumber), Refused("-01", 2, .invalidNumber), Refused("00", 1, .invalidNumber),
        Refused("012", 1, .invalidNumber), Refused("-a", 1, .invalidNumber), Refused("--1", 1, .invalidNumber),
        Refused("-.5", 1, .invalidNumber), Refused("[1.]", 3, .invalidNumber), Refused("1.e1", 2, .invalidNumber),
        Refused("1.a", 2, .invalidNumber), Refused("[1e]", 3, .invalidNumber), Refused("1e+a", 3, .invalidNumber),
        Refused("1e+-1", 3, .invalidNumber), Refused("1e1.5", 3, .trailingBytes), Refused("1.2.3", 3, .trailingBytes),
        Refused("1ee1", 2, .invalidNumber), Refused("0e", 2, .unexpectedEnd), Refused("+1", 0, expected: .value),
        Refused(".5", 0, expected: .value), Refused("0x1F", 1, .trailingBytes), Refused("1_000", 1, .trailingBytes),
        Refused("1 000", 2, .trailingBytes), Refused("1-2", 1, .trailingBytes), Refused("1f", 1, .trailingBytes),
        Refused("-Infinity", 1, .invalidNumber), Refused("-NaN", 1, .invalidNumber), Refused("- 1", 1, .invalidNumber),
        Refused("Infinity", 0, expected: .value), Refused("NaN", 0, expected: .value),
        Refused("１", 0, expected: .value),
        Refused("[0,01]", 4, .invalidNumber), Refused("[-]", 2, .invalidNumber),
    ]

    private static let literals: [Refused] = [
        Refused("True", 0, expected: .value), Refused("TRUE", 0, expected: .value),
        Refused("NULL", 0, expected: .value),
        Refused("trua", 3, expected: .literal(.true)), Refused("[fals]", 5, expected: .literal(.false)),
        Refused("nul ", 3, expected: .literal(.null)), Refused("nulll", 4, .trailingBytes),
        Refused("truefalse", 4, .trailingBytes), Refused("undefined", 0, expected: .value),
        Refused("[nan]", 2, expected: .literal(.null)),
    ]

    private static let strings: [Refused] = [
        Refused(#""\x41""#, 1, .invalidEscape), Refused(#""\a""#, 1, .invalidEscape),
        Refused(#""\0""#, 1, .invalidEscape),
        Refused(#""\'""#, 1, .invalidEscape), Refused(#""\ ""#, 1, .invalidEscape),
        Refused(#""\U0061""#, 1, .invalidEscape),
        Refused(#""a\é""#, 2, .invalidEscape), Refused(#""\u""#, 1, .invalidEscape),
        Refused(#""\u12""#, 1, .invalidEscape),
        Refused(#""\u123""#, 1, .invalidEscape), Refused(#""\u123g""#, 1, .invalidEscape),
        Refused(#""\u-123""#, 1, .invalidEscape), Refused(#""\u 123""#, 1, .invalidEscape),
        Refused(#""\u{61}""#, 1, .invalidEscape), Refused(#""aaaaaaaa\q""#, 9, .invalidEscape),
        Refused(#""\uD83D""#, 1, .loneSurrogate), Refused(#""\uDE00""#, 1, .loneSurrogate),
        Refused(#""\uD83D\uD83D""#, 1, .loneSurrogate), Refused(#""\uDE00\uD83D""#, 1, .loneSurrogate),
        Refused(#""\uD83Dx""#, 1, .loneSurrogate), Refused(#""\uD83D\n""#, 1, .loneSurrogate),
        Refused(#""\uD83D\u0061""#, 1, .loneSurrogate), Refused(#""\uD83D\uDE00\uDE00""#, 13, .loneSurrogate),
        Refused(#""\uD83D\u12""#, 7, .invalidEscape), Refused(#""x\uDBFF\uE000""#, 2, .loneSurrogate),
        Refused("\"\n\"", 1, .controlCharacterInString(0x0A)), Refused("\"\t\"", 1, .controlCharacterInString(0x09)),
        Refused("\"a\u{0}b\"", 2, .controlCharacterInString(0)),
        Refused("\"\u{1F}\"", 1, .controlCharacterInString(0x1F)),
        Refused("\"12345678\r\"", 9, .controlCharacterInString(0x0D)),
        Refused("{\"\n\":1}", 2, .controlCharacterInString(0x0A)),
        Refused("\"é\u{1}\"", 3, .controlCharacterInString(1)),
    ]

    private static let encodings: [Refused] = [
        Refused(.quoted(0x80), 1, .invalidUTF8), Refused(.quoted(0xBF), 1, .invalidUTF8),
        Refused(.quoted(0xFF), 1, .invalidUTF8),
        Refused(.quoted(0xFE), 1, .invalidUTF8), Refused(.quoted(0xC0, 0xAF), 1, .invalidUTF8),
        Refused(.quoted(0xC1, 0xBF), 1, .invalidUTF8), Refused(.quoted(0xC3), 1, .invalidUTF8),
        Refused(.quoted(0xC3, 0x28), 1, .invalidUTF8), Refused(.quoted(0xE0, 0x80, 0xAF), 1, .invalidUTF8),
        Refused(.quoted(0xE0, 0x9F, 0xBF), 1, .invalidUTF8), Refused(.quoted(0xE2, 0x82), 1, .invalidUTF8),
        Refused(.quoted(0xE2, 0x28, 0xA1), 1, .invalidUTF8), Refused(.quoted(0xED, 0xA0, 0x80), 1, .invalidUTF8),
        Refused(.quoted(0xED, 0xBF, 0xBF), 1, .invalidUTF8),
        Refused(.quoted(0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80), 1, .invalidUTF8),
        Refused(.quoted(0xF0, 0x80, 0x80, 0x80), 1, .invalidUTF8),
        Refused(.quoted(0xF0, 0x8F, 0xBF, 0xBF), 1, .invalidUTF8),
        Refused(.quoted(0xF0, 0x9F, 0x98), 1, .invalidUTF8), Refused(.quoted(0xF4, 0x90, 0x80, 0x80), 1, .invalidUTF8),
        Refused(.quoted(0xF5, 0x80, 0x80, 0x80), 1, .invalidUTF8),
        Refused(.quoted(0xF8, 0x88, 0x80, 0x80, 0x80), 1, .invalidUTF8),
        Refused(.quoted(0x61, 0xE9, 0x61), 2, .invalidUTF8), Refused(.quoted(0xF0, 0x9F, 0x98, 0x61), 1, .invalidUTF8),
        Refused(Sample([0x22, 0xE2, 0x82]), 1, .invalidUTF8),
        Refused(Sample([0x5B, 0xFF, 0x5D]), 1, expected: .valueOrEndOfArray),
    ]

    private static let names: [Refused] = [
        Refused(.ours(#"{"a":1,"a":1}"#), 7, .duplicateMember("a")),
        Refused(.ours(#"{"":1,"":2}"#), 6, .duplicateMember("")),
        Refused(.ours(#"{"a":1,"\u0061":2}"#), 7, .duplicateMember("a")),
        Refused(.ours(#"{"\u0061":1,"a":2}"#), 12, .duplicateMember("a")),
        Refused(.ours(#"{"\u00e9":1,"\u00E9":2}"#), 12, .duplicateMember("é")),
        Refused(.ours(#"{"\uD83D\uDE00":1,"😀":2}"#), 18, .duplicateMember("😀")),
        Refused(.ours(#"{"a":{"b":1,"c":2,"b":3}}"#), 18, .duplicateMember("b")),
        Refused(.ours(#"{"a":{"b":1},"c":[{"a":1}],"a":2}"#), 27, .duplicateMember("a")),
        Refused(.ours(#"{"\u0061":{"\u0062":1},"\u0061":2}"#), 23, .duplicateMember("a")),
        Refused(.ours(#"{"\/":1,"/":{"\/":1}}"#), 8, .duplicateMember("/")),
    ]

    private static let depths: [Refused] = [
        Refused(Sample(Array(repeating: 0x5B, count: 65), isAgreed: false), 64, .depthExceeded(limit: 64)),
        Refused(Sample(Array(repeating: 0x5B, count: 1_000_000)), 64, .depthExceeded(limit: 64)),
        Refused(.ours(String(repeating: "{\"a\":", count: 100_000)), 320, .depthExceeded(limit: 64)),
        Refused(
            .ours(String(repeating: "[", count: 65) + String(repeating: "]", count: 65)),
            64,
            .depthExceeded(limit: 64)
        ),
        Refused(.ours(String(repeating: "[{\"\":", count: 50_000)), 160, .depthExceeded(limit: 64)),
    ]
}

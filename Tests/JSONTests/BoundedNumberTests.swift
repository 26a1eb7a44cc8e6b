// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

/// The one way in for numbers from outside, at the numbers where others break.
@Suite
struct BoundedNumberTests {
    private static let every = Int.min...Int.max

    @Test(
        arguments: [
            ("0", ClosedRange.seq, 0), ("9007199254740991", .seq, 9_007_199_254_740_991),
            ("9007199254740992", .seq, nil),
            ("9223372036854775806", .seq, nil), ("9223372036854775807", .seq, nil), ("9223372036854775808", .seq, nil),
            ("-1", .seq, nil), ("-0", .seq, 0), ("007", .seq, 7), ("00000000000000000000000000000000000001", .seq, 1),
            ("9223372036854775807", every, Int.max), ("9223372036854775808", every, nil),
            ("-9223372036854775808", every, Int.min), ("-9223372036854775809", every, nil),
            ("99999999999999999999999999999999999999", every, nil),
            ("1e400", every, nil), ("1e2", every, nil), ("1.0", every, nil), ("1.", every, nil), (".5", every, nil),
            ("", every, nil), ("-", every, nil), ("--1", every, nil), ("+1", every, nil), (" 1", every, nil),
            ("1 ", every, nil), ("1\u{0}", every, nil), ("0x10", every, nil), ("1_000", every, nil),
            ("\u{661}", every, nil),
            ("1\u{301}", every, nil), ("nan", every, nil), ("inf", every, nil),
            ("1", 1...1, 1), ("2", 1...1, nil), ("0", 1...1, nil), ("-5", -5 ... -3, -5), ("-6", -5 ... -3, nil),
        ] as [(String, ClosedRange<Int>, Int?)]
    )
    func decimalsAreReadWithinTheirLimits(_ text: String, _ range: ClosedRange<Int>, _ expected: Int?) {
        #expect(Int(decimal: text, in: range) == expected)
        #expect(Int(decimal: Array(text.utf8), in: range) == expected)
    }

    @Test(
        arguments: [
            ("0", every, 0), ("1fffffffffffff", .seq, Int.maxSafe), ("20000000000000", .seq, nil),
            ("7FFFFFFFFFFFFFFF", every, Int.max), ("8000000000000000", every, nil), ("ffffffffffffffff", every, nil),
            ("10000000000000000", every, nil), (String(repeating: "0", count: 90) + "a", every, 10),
            ("", every, nil), ("g", every, nil), ("-1", every, nil), ("0x1", every, nil), ("1 ", every, nil),
        ] as [(String, ClosedRange<Int>, Int?)]
    )
    func hexadecimalsAreReadWithinTheirLimits(_ text: String, _ range: ClosedRange<Int>, _ expected: Int?) {
        #expect(Int(hexadecimal: text.utf8, in: range) == expected)
    }

    @Test func otherIntegersAreTakenWithinTheirLimits() {
        #expect(Int(UInt64.max, in: Self.every) == nil)
        #expect(Int(UInt64(Int.max), in: Self.every) == Int.max)
        #expect(Int(UInt64(Int.maxSafe) + 1, in: .seq) == nil)
        #expect(Int(Int128.max, in: Self.every) == nil)
        #expect(Int(Int128.min, in: Self.every) == nil)
        #expect(Int(Int64.min, in: .seq) == nil)
        #expect(Int(Int32(-1), in: -1...1) == -1)
    }

    @Test(
        arguments: [
            (0, 0, 0), (-0.0, 0, 0), (1.9, 1, 2), (-0.9, 0, 0), (-1, nil, 0),
            (9_007_199_254_740_991, Int.maxSafe, Int.maxSafe),
            (9_007_199_254_740_992, nil, Int.maxSafe), (9_223_372_036_854_775_808, nil, Int.maxSafe),
            (1e300, nil, Int.maxSafe), (-1e300, nil, 0), (.infinity, nil, Int.maxSafe), (-.infinity, nil, 0),
            (.nan, nil, 0),
        ] as [(Double, Int?, Int)]
    )
    func fractionsAreTakenWithinTheirLimits(_ number: Double, _ expected: Int?, _ clamped: Int) {
        #expect(Int(clamping: number, to: .seq) == clamped)
    }

    @Test func limitsAreSaid() {
        #expect(ClosedRange.seq.expectation() == "a whole number from 0 to 9007199254740991")
        #expect((1...10).expectation(of: "milliseconds") == "a whole number of milliseconds from 1 to 10")
    }
}

// SPDX-License-Identifier: Apache-2.0

import RateSource
import TestSupport
import Testing

struct DecimalNumberTests {
    @Test(arguments: [
        ("118449.03000000", "118449.03"), ("0", "0"), ("-0.00", "0"), ("0.0010", "0.001"), ("007.10", "7.1"),
        ("1e-7", "0.0000001"), ("1E5", "100000"), ("1.25e+3", "1250"), ("12.5e1", "125"), ("12.5e-1", "1.25"),
        ("-2.41", "-2.41"), ("+5", "5"), ("106824", "106824"), ("100", "100"), ("0.1e1", "1"), ("120e-1", "12"),
        (
            "115792089237316195423570985008687907853269984665640564039457584007913129639935",
            "115792089237316195423570985008687907853269984665640564039457584007913129639935"
        ),
    ])
    func oneFormOfEachNumber(_ text: String, _ plain: String) {
        #expect(DecimalNumber(text)?.description == plain)
    }

    @Test(arguments: [
        "", "-", ".5", "5.", "1e", "1e+", "e5", "1.2.3", "abc", "NaN", "Infinity", "1 ", " 1", "1,5", "0x10", "1e99999",
        "1e9999", "1e-9999", String(repeating: "9", count: 401), String(repeating: "9", count: 158), "--1", "1e5e5",
        "٣",
    ])
    func whatIsNoNumberOrTooLongIsNone(_ text: String) {
        #expect(DecimalNumber(text) == nil)
    }

    @Test func ordersLikeNumbers() throws {
        let ordered = ["-10", "-9.5", "-0.1", "0", "0.09", "0.1", "0.11", "1", "9", "10", "10.01", "99", "100"]
        for (index, left) in ordered.enumerated() {
            for (other, right) in ordered.enumerated() {
                let (left, right) = (try #require(DecimalNumber(left)), try #require(DecimalNumber(right)))
                #expect((left < right) == (index < other), "\(left) < \(right)")
            }
        }
    }

    /// Against integers, in every scale.
    @Test func arithmeticIsExact() throws {
        var random = SplitMix(seed: 3)
        for _ in 0..<500 {
            let (one, two) = (
                Int.random(in: -99_999...99_999, using: &random), Int.random(in: 1...99_999, using: &random)
            )
            let scale = Int.random(in: 0...6, using: &random)
            let left = try #require(DecimalNumber("\(one)e-\(scale)"))
            let right = try #require(DecimalNumber("\(two)e-\(scale)"))
            #expect(left.minus(right) == DecimalNumber("\(one - two)e-\(scale)"))
            #expect(left.times(right) == DecimalNumber("\(one * two)e-\(2 * scale)"))
            #expect(left.divided(by: right, digits: 4) == DecimalNumber("\(one * 10_000 / two)e-4"))
        }
        let huge = try #require(DecimalNumber(String(repeating: "9", count: 39)))
        #expect(huge.times(huge) == nil)
        #expect(huge.minus(huge) == nil)
        #expect(huge.divided(by: DecimalNumber("0") ?? huge, digits: 8) == nil)
    }
}

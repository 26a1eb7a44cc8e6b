// SPDX-License-Identifier: Apache-2.0

import EventLog
import TestSupport
import Testing

@Suite struct AmountTests {
    @Test(arguments: [
        ("123.450", "123.450"), ("0", "0"), ("-0", "0"), ("-0.00", "0.00"), ("00", "0"), ("007.10", "7.10"),
        ("-007.10", "-7.10"), ("00.50", "0.50"), ("-00.50", "-0.50"), ("10", "10"), ("100.00", "100.00"),
    ])
    func isWrittenInOneForm(_ text: String, _ form: String) {
        #expect(Amount(text)?.description == form)
    }

    @Test(arguments: ["", "-", ".", "1.", ".5", "+1", "1e3", "--1", "1,0", " 1", "1.2.3", "NaN", "\u{0661}"])
    func othersAreNone(_ text: String) {
        #expect(Amount(text) == nil)
    }

    @Test func formIsItsOwn() {
        var random = SplitMix(seed: 9)
        for _ in 0..<500 {
            let digits = (0..<Int.random(in: 1...6, using: &random)).map { _ in Int.random(in: 0...2, using: &random) }
            var text = digits.map(String.init).joined()
            if Bool.random(using: &random) { text += ".\(Int.random(in: 0...99, using: &random))0" }
            if Bool.random(using: &random) { text = "-" + text }
            let amount = Amount(text)
            #expect(amount != nil)
            #expect(amount.flatMap { Amount($0.description) } == amount)
            // The same number, as far as one can tell from the outside.
            #expect(amount.flatMap { Double($0.description) } == Double(text))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

@testable import SQLiteStore

@Suite struct PositionListTests {
    @Test(arguments: [
        ([(1, 1)], "[1,1]"),
        ([(0, 10), (905, 1_234_567)], "[0,10,905,1234567]"),
        ([(9_007_199_254_740_991, 9_007_199_254_740_991)], "[9007199254740991,9007199254740991]"),
    ])
    func textAndBack(_ pairs: [(Int, Int)], _ text: String) throws {
        let elements = pairs.map { PositionList.Element(channel: $0.0, seq: $0.1) }
        #expect(String(decoding: PositionList(elements).text, as: UTF8.self) == text)
        #expect(try PositionList(parsing: Array(text.utf8)).elements == elements)
    }

    @Test(arguments: [
        "", "[]", "[1]", "[1,2,3]", "[1,x]", "[1,2", "[,]", "[99999999999999999999,1]",
        "[9007199254740992,1]", "[1,9223372036854775807]", "[1,-1]", "[1,1.0]", "[1,1e2]",
    ])
    func malformedTextIsDamage(_ text: String) {
        #expect(throws: TapeFault.self) { try PositionList(parsing: Array(text.utf8)) }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Tapes

@Suite struct ExactTextTests {
    @Test func differsWhereBytesDiffer() {
        #expect("\u{e9}" == "e\u{301}")
        #expect(ExactText("\u{e9}") != ExactText("e\u{301}"))
        #expect(ExactText("a\u{323}\u{301}") != ExactText("a\u{301}\u{323}"))
        #expect(ExactText("e\u{301}") == ExactText("e" + "\u{301}"))
        #expect(Set([ExactText("a"), ExactText("a"), ExactText("\u{e9}"), ExactText("e\u{301}")]).count == 3)
    }
}

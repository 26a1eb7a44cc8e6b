// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Testing

struct RecentErrorsTests {
    private func time(_ second: Int) -> Timestamp {
        Timestamp(rfc3339: "2026-01-01T00:00:00Z")?.advanced(by: .seconds(second)) ?? .now
    }

    @Test func theNewestComeFirstAndTheOldestAreForgotten() {
        let errors = RecentErrors()
        for number in 1...RecentErrors.limit + 50 {
            errors.note(.refused, "code", "number \(number)", at: self.time(number))
        }
        let all = errors.all
        #expect(all.count == RecentErrors.limit)
        #expect(all.first?.detail == "number \(RecentErrors.limit + 50)")
        #expect(all.last?.detail == "number 51")
        #expect(errors.total == RecentErrors.limit + 50)
    }

    @Test func whatRepeatsTakesOnePlace() {
        let errors = RecentErrors()
        errors.note(.warning, "the tape", "away", at: self.time(1))
        for second in 2...1_000 {
            errors.note(.refused, "bad_token", "x", subject: "u_\(second % 2)", at: self.time(second))
        }
        let all = errors.all
        #expect(all.map(\.count) == [500, 499, 1])
        #expect(all.first?.first == self.time(2) && all.first?.last == self.time(1_000))
        #expect(all.last?.what == "the tape")
    }

    @Test func textsAreCut() {
        let errors = RecentErrors()
        errors.note(.error, String(repeating: "a", count: 10_000), String(repeating: "ü", count: 10_000))
        #expect(errors.all.allSatisfy { $0.what.count == 300 && $0.detail.count == 300 })
    }
}

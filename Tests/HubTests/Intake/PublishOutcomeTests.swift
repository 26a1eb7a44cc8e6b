// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import TestSupport
import Testing

@Suite struct PublishOutcomeTests {
    private static let events = (0..<300).map { Event.sample("id\($0)", on: "k", source: "s") }

    @Test func receiptsAreJoinedWithIDs() {
        let receipt = Receipt(status: .accepted, positions: [])
        let outcome = Publisher.outcome(of: Array(Self.events.prefix(1)), .success(.committed([receipt])))
        #expect(outcome == .success([PublishResult(id: "id0", receipt: receipt)]))
    }

    @Test func conflictsAreNamed() {
        let outcome = Publisher.outcome(of: Self.events, .success(.conflict(items: [2, 7])))
        guard case .failure(.rejected(.items(let items))) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(items.map(\.index) == [2, 7])
        #expect(items.allSatisfy { $0.reason == .conflict && $0.field == "id" })
        #expect(items.first?.message == "s has published another event under the id id2")
    }

    @Test func conflictReportIsBounded() {
        let outcome = Publisher.outcome(of: Self.events, .success(.conflict(items: Array(0..<300))))
        guard case .failure(.rejected(.items(let items))) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(items.map(\.index) == Array(0..<EventValidator.maxReportedItems))
    }

    @Test(arguments: [
        (AppendFault.overloaded, ErrorCode.overloaded, "too many events are waiting"),
        (.stopping, .unavailable, "this node is shutting down"),
        (.unavailable(.unavailable("disk /dev/sda full")), .unavailable, "cannot be committed at the moment"),
        (.unavailable(.damaged("secret")), .unavailable, "cannot be committed at the moment"),
        (.unavailable(.outcomeUnknown("secret")), .unavailable, "not known whether"),
    ])
    func failuresAreToldWithoutInnards(fault: AppendFault, code: ErrorCode, part: String) {
        #expect(Publisher.outcome(of: Self.events, .failure(fault)) == .failure(.failed(fault)))
        #expect(fault.summary.code == code)
        #expect(fault.summary.message.contains(part))
        #expect(!fault.summary.message.contains("secret"))
        #expect(!fault.summary.message.contains("disk"))
    }
}

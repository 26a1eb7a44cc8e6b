// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import EventLog

@Suite struct KeptRecordsTests {
    private func record(_ ordinal: Int) -> Record {
        let event = Event.sample("\(ordinal)", on: "a")
        return Record(
            event: event,
            key: EventKey(of: event),
            type: 0,
            accepted: event.time,
            ordinal: ordinal,
            channels: [0],
            seqs: [ordinal]
        )
    }

    @Test func releasedRecordsDoNotComeOut() {
        var kept = KeptRecords()
        let records = (0..<1000).map(self.record)
        for record in records {
            kept.append(record)
            if !record.ordinal.isMultiple(of: 10) { kept.release(record) }
        }
        for ordinal in stride(from: 0, to: 1000, by: 10) {
            #expect(kept.removeFirst()?.ordinal == ordinal)
        }
        #expect(kept.removeFirst() == nil)
    }
}

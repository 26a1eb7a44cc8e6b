// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import Synchronization
import Testing

@Suite("SourceBoard")
struct SourceBoardTests {
    @Test("tells which sources are stale, and that they are no longer")
    func staleness() {
        let told = Mutex<[[String]]>([])
        let board = SourceBoard { stale in told.withLock { $0.append(stale.map(\.name).sorted()) } }
        board.report(SourceReport(name: "rate:kraken", types: ["rateChange"], state: .following))
        board.report(SourceReport(name: "chain:mainnet", types: ["chainEvent"], state: .stopped, trouble: "forked"))
        board.report(SourceReport(name: "rate:kraken", types: ["rateChange"], state: .stale))
        board.report(SourceReport(name: "rate:kraken", types: ["rateChange"], state: .catchingUp))
        board.withdraw("chain:mainnet")
        board.withdraw("chain:mainnet")
        #expect(
            told.withLock { $0 } == [[], ["chain:mainnet"], ["chain:mainnet", "rate:kraken"], ["chain:mainnet"], []]
        )
        #expect(board.all.map(\.name) == ["rate:kraken"])
    }

    @Test("a notice keeps the stale sources of the bus and of this node apart")
    func origins() {
        var notice = Notice()
        notice.setStale([StaleSource(name: "rate.b", types: ["rateChange"])], of: .fanIn)
        notice.setStale([StaleSource(name: "rate:a", types: ["rateChange"])], of: .ownSources)
        #expect(notice.stale == ["rateChange": ["rate.b", "rate:a"]])
        notice.setStale([], of: .fanIn)
        #expect(notice.stale == ["rateChange": ["rate:a"]])
        notice.setStale([], of: .ownSources)
        #expect(notice.isClear)
    }
}

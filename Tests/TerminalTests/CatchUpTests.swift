// SPDX-License-Identifier: Apache-2.0

import Monitor
import Testing

struct CatchUpTests {
    private static func source(_ name: String, _ position: Int, of head: Int) -> CatchUp.Source {
        CatchUp.Source(name: name, position: position, head: head, events: 7)
    }

    @Test func itIsCountedFromWhereItBegan() {
        var catchUp = CatchUp()
        let lags = [1_000, 1_400, 1_900].map { catchUp.look(at: [Self.source("a", $0, of: 2_000)]) }
        #expect(lags.map { $0?.done } == [0, 400, 900])
        #expect(lags.allSatisfy { $0?.total == 1_000 && $0?.events == 7 && $0?.others == 0 && $0?.source == "a" })
    }

    @Test func whoHasCaughtUpBeginsAnewTheNextTime() {
        var catchUp = CatchUp()
        #expect(catchUp.look(at: [Self.source("a", 10, of: 20)])?.total == 10)
        #expect(catchUp.look(at: []) == nil)
        #expect(catchUp.look(at: [Self.source("a", 50, of: 90)])?.total == 40)
    }

    @Test func theOneWithMostToReadSpeaks() {
        var catchUp = CatchUp()
        let lag = catchUp.look(at: [Self.source("a", 10, of: 20), Self.source("b", 0, of: 5_000)])
        #expect(lag?.source == "b")
        #expect(lag?.others == 1)
    }

    @Test func goingBackIsNoProgress() {
        var catchUp = CatchUp()
        #expect(catchUp.look(at: [Self.source("a", 100, of: 200)])?.done == 0)
        #expect(catchUp.look(at: [Self.source("a", 90, of: 200)])?.done == 0)
        #expect(catchUp.look(at: [Self.source("a", 110, of: 100)]) == nil)
    }
}

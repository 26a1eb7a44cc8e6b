// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Secrets
import Terminal
import Testing

@testable import LoadKit

struct ReplayPartsTests {
    /// Computed with Python: hmac, hashlib and base64.
    @Test func tokensAreSignedJWTs() throws {
        let maker = TokenMaker(secret: try Secret("0123456789abcdef0123456789abcdef"))
        let token = maker.token(subject: "u_42", scopes: ["publish:*", "read:x"], expires: 1_800_000_000)
        #expect(token == Self.expectedToken)
    }

    private static let expectedToken =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        + "eyJzdWIiOiJ1XzQyIiwiZXhwIjoxODAwMDAwMDAwLCJzY29wZSI6InB1Ymxpc2g6KiByZWFkOngifQ"
        + ".AII-MOM6T0vTH1I2UESX3kRqIsvj4DhhH-YEK_i6LM8"

    @Test(arguments: [
        ("1", Speed.times(1)), ("10", .times(10)), ("0.5", .times(0.5)), ("10x", .times(10)), ("max", .max),
    ])
    func speedsAreRead(text: String, speed: Speed) {
        #expect(Speed(text) == speed)
    }

    @Test(arguments: ["", "0", "-1", "fast", "nan", "inf", "x"])
    func otherSpeedsAreNot(_ text: String) {
        #expect(Speed(text) == nil)
    }

    @Test func channelsAreFoundByTheirBytes() {
        let names = (0..<500).map { "rateChange:C\($0)/USD" }
        let table = ChannelTable(names)
        for (place, name) in names.enumerated() {
            #expect(table.find(name) == place)
            let message = Array("..\(name)..".utf8)
            #expect(table.find(message.span, 2..<message.count - 2) == place)
        }
        #expect(table.find("rateChange:C500/USD") == nil)
        #expect(table.find("") == nil)
        #expect(ChannelTable([]).find("x") == nil)
    }

    @Test(arguments: [
        ("run-0", Ledger.Claim.ours(0)), ("run-1", .ours(1)), ("run-2", .foreign), ("run-", .foreign),
        ("run-x", .foreign), ("nur-1", .foreign), ("run-99999999999999999999", .foreign), ("", .foreign),
    ])
    func idsTellTheirEvent(id: String, claim: Ledger.Claim) throws {
        let line = #"{"type":"x","key":"k","data":{}}"#
        let plan = Plan(trace: try TraceReader.read(Array("\(line)\n\(line)".utf8)), run: "run")
        let bytes = Array(id.utf8)
        #expect(plan.claim(bytes.span, id: 0..<bytes.count) == claim)
    }

    @Test func publicationsAreNewEventsOfTheRun() throws {
        let line = #"{"id":"old","source":"s","type":"x","key":"k","time":"2026-11-20T16:00:00Z","data":{"a":"1.0"}}"#
        let plan = Plan(trace: try TraceReader.read(Array(line.utf8)), run: "r1")
        #expect(
            String(decoding: try plan.publication(of: 0).json, as: UTF8.self)
                == #"{"type":"x","keys":["k"],"id":"r1-0","source":"broadtape-load:r1","#
                + #""time":"2026-11-20T16:00:00Z","data":{"a":"1.0"}}"#
        )
    }

    @Test func lanesKeepAChannelsEventsTogetherAndInOrder() throws {
        let lines = (0..<30).map { #"{"type":"x","key":"k\#($0 % 5)","data":{}}"# }
        let trace = try TraceReader.read(Array(lines.joined(separator: "\n").utf8))
        let lanes = Lane.distribute(trace, over: 3)
        #expect(lanes.count == 3)
        #expect(lanes.flatMap(\.self).sorted() == Array(0..<30))
        #expect(lanes.allSatisfy { $0 == $0.sorted() })
        let channelsOfLanes = lanes.map { Set($0.flatMap { trace.entries[$0].channels }) }
        #expect(channelsOfLanes.reduce(0) { $0 + $1.count } == 5)
        #expect(Lane.distribute(trace, over: 100).count == 5)
    }

    @Test(
        arguments: [
            (0.0, 2, "0.00"), (1.005, 1, "1.0"), (12.3456, 3, "12.346"), (-0.25, 2, "-0.25"), (7, 0, "7"),
            (.infinity, 1, "0"), (.nan, 1, "0"),
        ] as [(Double, Int, String)]
    )
    func decimalsAreRounded(value: Double, digits: Int, text: String) {
        #expect(Text.decimal(value, digits: digits) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")])
    func thousandsAreGrouped(value: Int, text: String) {
        #expect(Text.grouped(value) == text)
    }
}

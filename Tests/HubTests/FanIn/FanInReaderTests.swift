// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import TestSupport
import Testing

@Suite struct FanInReaderTests {
    private static let time = Timestamp(nanoseconds: 1_000)

    private func read(
        _ payload: [UInt8],
        channel: String = "rate.x",
        types: Set<String>? = nil,
        messageBytes: Int = 10_000
    ) -> FanInReading {
        FanInReader(
            validator: EventValidator(types: .forTests),
            messageBytes: messageBytes,
            rules: .forTests(types: types)
        )
        .read(FanInMessage(channel: channel, payload: payload), received: Self.time)
    }

    private func read(_ payload: String, channel: String = "rate.x", types: Set<String>? = nil) -> FanInReading {
        self.read(Array(payload.utf8), channel: channel, types: types)
    }

    @Test func oneEventIsOfTheChannelUnlessItSaysOtherwise() {
        let reading = self.read(#" {"type":"note","key":"k","id":"i","sourceSeq":7,"data":{"a":1}} "#)
        #expect(reading.fault == nil)
        #expect(reading.events.map(\.id) == ["i"])
        #expect(reading.events.map(\.source) == ["rate.x"])
        #expect(reading.numbers == [SourceNumber(source: "rate.x", seq: 7, types: ["note"])])
        let other = self.read(#"{"type":"note","key":"k","source":"y","data":{}}"#)
        #expect(other.events.map(\.source) == ["y"])
        #expect(other.numbers == [SourceNumber(source: "y", seq: nil, types: ["note"])])
    }

    @Test(arguments: [
        (#"{"type":"note","key":"k","sourceSeq":7,"data":{}}"#, ["7"]),
        (#"{"type":"note","key":"k","id":null,"sourceSeq":0,"data":{}}"#, ["0"]),
        (#"[{"type":"note","key":"k","sourceSeq":7,"data":{}}]"#, ["7-0"]),
        (
            #"[{"type":"note","key":"k","sourceSeq":7,"data":{}},{"type":"note","key":"k","id":"i","data":{}},"#
                + #"{"type":"note","key":"k","sourceSeq":7,"data":{}}]"#,
            ["7-0", "i", "7-2"]
        ),
    ])
    func eventsWithoutIdAreNamedAfterTheirNumber(_ payload: String, _ ids: [String]) {
        #expect(self.read(payload).events.map(\.id) == ids)
        #expect(self.read(payload).events == self.read(payload).events)
    }

    @Test func eventWithNeitherIdNorNumberIsNewEachTime() {
        let payload = #"{"type":"note","key":"k","data":{}}"#
        #expect(self.read(payload).events.map(\.id) != self.read(payload).events.map(\.id))
    }

    @Test func numbersOfAnArrayAreThoseOfItsRuns() {
        let items = [("a", 1), ("a", 1), ("a", 2), ("b", 2), ("a", 3)].map { source, seq in
            #"{"type":"\#(seq == 1 ? "note" : "price")","key":"k","source":"\#(source)","#
                + #""sourceSeq":\#(seq),"data":{}}"#
        }
        let reading = self.read("[" + items.joined(separator: ",") + "]")
        #expect(reading.events.count == 5)
        #expect(reading.numbers.map(\.source) == ["a", "a", "b", "a"])
        #expect(reading.numbers.map(\.seq) == [1, 2, 2, 3])
        #expect(
            reading.numbers.map(\.types) == [["note", "price"], ["note", "price"], ["price"], ["note", "price"]]
        )
    }

    @Test(arguments: [
        "", " ", "null", "1", "\"x\"", "[]", "[1]", "[[]]", "{}", "{", "[{}", "{}{}", "\u{FEFF}{}",
        #"{"type":"note","key":"k"}"#,
        #"{"type":"nothing","key":"k","data":{}}"#,
        #"{"type":"note","key":"k","data":{},"id":5}"#,
        #"{"type":"note","key":"k","data":{},"source":""}"#,
        #"{"type":"note","key":"k","data":{},"sourceSeq":-1}"#,
        #"{"type":"note","key":"k","data":{},"sourceSeq":1.0}"#,
        #"{"type":"note","key":"k","data":{},"sourceSeq":"1"}"#,
        #"{"type":"note","key":"k","data":{},"sourceSeq":9007199254740992}"#,
        #"{"type":"note","key":"k","data":{},"sourceSeq":9223372036854775807}"#,
        #"{"type":"note","key":"k","data":{},"sourceSeq":9223372036854775808}"#,
        #"{"type":"note","key":"k","data":{},"sourceSeq":1e400}"#,
        #"{"type":"note","key":"k","data":{},"sourceSeq":1e2}"#,
        #"[{"type":"note","key":"k","data":{}},{"type":"note","data":{}}]"#,
    ])
    func whatIsNotEventsHasAFault(_ payload: String) {
        let reading = self.read(payload)
        #expect(reading.fault?.reason.isEmpty == false)
        #expect(reading.events.isEmpty)
    }

    @Test func numberOfAMalformedEventIsHeardAllTheSame() {
        let reading = self.read(#"{"type":"note","sourceSeq":5,"data":{}}"#)
        #expect(reading.fault != nil)
        #expect(reading.numbers == [SourceNumber(source: "rate.x", seq: 5, types: [])])
    }

    @Test func largestNumberIsTaken() {
        let reading = self.read(#"{"type":"note","key":"k","data":{},"sourceSeq":9007199254740991}"#)
        #expect(reading.numbers.map(\.seq) == [9_007_199_254_740_991])
    }

    @Test func boundsOfTheMessageAreKept() {
        let payload = Array(#"{"type":"note","key":"k","data":{}}"#.utf8)
        #expect(self.read(payload, messageBytes: payload.count).fault == nil)
        #expect(self.read(payload, messageBytes: payload.count - 1).fault != nil)
        for channel in ["", "a\u{0}b", String(repeating: "x", count: 257)] {
            #expect(self.read(payload, channel: channel).fault != nil)
        }
        let long = self.read(#"{"type":"\#(String(repeating: "x", count: 9_000))","key":"k","data":{}}"#)
        #expect((long.fault?.reason.count ?? .max) <= 500)
    }

    @Test func onlyConfiguredTypesAreTaken() {
        let payload = #"{"type":"note","key":"k","data":{}}"#
        #expect(self.read(payload, types: ["note"]).fault == nil)
        #expect(self.read(payload, types: ["price"]).fault != nil)
        #expect(self.read(payload, types: []).fault != nil)
    }

    private func read(_ payload: String, on channel: String, _ rules: FanInRules) -> FanInReading {
        FanInReader(validator: EventValidator(types: EventTypes()), messageBytes: 10_000, rules: rules)
            .read(FanInMessage(channel: channel, payload: Array(payload.utf8)), received: Self.time)
    }

    private static let rate = #""type":"rateChange","key":"A","data":{"rate":"1"}"#
    private static let balance = #""type":"balanceUpdate","key":"u_1","data":{"balance":"1"}"#
    private static let chainEvent =
        #""type":"chainEvent","key":"0x","data":{"chain":"m","event":"E","blockNumber":1,"blockHash":"0x","#
        + #""transactionHash":"0x","logIndex":1,"level":"final"}"#

    /// What channels carry when nothing is said of them: their own types, under their own names.
    @Test(arguments: [
        ("rate.binance", "{\(rate)}", nil), ("rate.binance", #"{"source":"rate:binance",\#(rate)}"#, nil),
        ("rate.binance", #"{"source":"rate.binance",\#(rate)}"#, nil),
        ("chain.a.b", #"{"source":"chain:a.b",\#(chainEvent)}"#, nil),
        ("rate.binance", "{\(balance)}", "may carry rateChange, not balanceUpdate"),
        ("rate.binance", "[{\(rate)},{\(balance)}]", "not balanceUpdate"),
        ("rate.binance", "{\(chainEvent)}", "not chainEvent"), ("chain.m", "{\(rate)}", "chainEvent, topicMessage"),
        ("rate.binance", #"{"source":"rate:kraken",\#(rate)}"#, "the source rate:kraken"),
        ("rate.binance", #"{"source":"payments",\#(rate)}"#, "the source payments"),
        ("rate.binance", #"[{\#(rate)},{"source":"payments",\#(rate)}]"#, "the source payments"),
        ("chain.a.b", #"{"source":"chain:a:b",\#(chainEvent)}"#, "the source chain:a:b"),
        ("pay.x", "{\(rate)}", "no fan-in pattern"),
    ])
    func channelsCarryWhatTheirNamesSay(_ channel: String, _ payload: String, _ message: String?) {
        let reading = self.read(payload, on: channel, FanInRules())
        #expect((reading.fault == nil) == (message == nil), "\(String(describing: reading.fault))")
        #expect(reading.events.isEmpty == (message != nil))
        if let message { #expect(reading.fault?.reason.contains(message) == true, "\(reading)") }
    }

    @Test func otherTypesAndSourcesAreDeclared() {
        let rules = FanInRules(
            [
                FanInRules.Rule("pay.special", types: ["rateChange"]),
                FanInRules.Rule("pay.*", types: ["balanceUpdate"], sources: ["payments", "chain:listed"]),
                FanInRules.Rule("any.*", types: nil, takesAnySource: true),
            ],
            followed: ["chain:own"]
        )
        for (channel, source, isGood) in [
            ("pay.x", "payments", true), ("pay.x", "pay:x", true), ("pay.x", "chain:listed", true),
            ("pay.x", "other", false), ("pay.special", "pay.special", false), ("any.x", "payments", true),
            ("any.x", "chain:other", false), ("any.x", "chain:own", false), ("rate.x", "rate.x", false),
        ] {
            let reading = self.read(#"{"source":"\#(source)",\#(Self.balance)}"#, on: channel, rules)
            #expect((reading.fault == nil) == isGood, "\(channel) \(source)")
        }
        let own = FanInRules(followed: ["rate:binance"])
        let reading = self.read(#"{"source":"rate:binance",\#(Self.rate)}"#, on: "rate.binance", own)
        #expect(reading.fault?.reason.contains("follows rate:binance itself") == true)
    }

    /// A number for another's source would be a gap for it, or have it taken for one that has had everything.
    @Test func numbersOfAnothersSourceAreNotHeard() {
        let reading = self.read(
            #"{"source":"rate:kraken","sourceSeq":9000,"sourceOrder":"strict",\#(Self.rate)}"#,
            on: "rate.binance",
            FanInRules()
        )
        #expect(reading.fault != nil)
        #expect(reading.numbers.isEmpty)
    }

    /// Whatever somebody sends, it is events or it is a fault.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func hostilePayloadsAreEventsOrFaults(seed: UInt64) {
        var dice = SplitMix(seed: seed)
        let good = Array(
            (#"[{"type":"note","key":"k","sourceSeq":7,"source":"s","id":"a","time":"2026-11-20T16:00:00Z","#
                + #""data":{"a":[1,2.5e3,"\u00e9\\",null,true]}},{"type":"price","keys":["a","b"],"data":{}}]"#).utf8
        )
        let tokens = ["{", "}", "[", "]", "\"", ",", ":", "\\u0000", "-", "1e999", "\u{7F}", "null"]
            .map { Array($0.utf8) }
        for _ in 0..<400 {
            var payload = good
            for _ in 0...Int.random(in: 0...4, using: &dice) where !payload.isEmpty {
                let place = Int.random(in: 0..<payload.count, using: &dice)
                switch Int.random(in: 0..<5, using: &dice) {
                case 0: payload[place] = UInt8.random(in: 0...255, using: &dice)
                case 1: payload.remove(at: place)
                case 2: payload.removeSubrange(place...)
                case 3: payload.insert(contentsOf: tokens.randomElement(using: &dice) ?? [], at: place)
                default: payload.insert(contentsOf: payload[..<place], at: place)
                }
            }
            let reading = self.read(payload)
            #expect((reading.fault == nil) == !reading.events.isEmpty)
            #expect(reading.numbers.allSatisfy { ($0.seq ?? 0) >= 0 && !$0.source.isEmpty })
            #expect(reading.cost >= payload.count)
        }
    }

    // MARK: - Letters

    private func letter(_ id: Int, bytes: Int = 1) -> DeadLetter {
        DeadLetter(received: Self.time, channel: "\(id)", payload: Array(repeating: 0, count: bytes), reason: "r")
    }

    @Test func oldestLettersAreLostPastEitherLimit() {
        var box = DeadLetterBuffer(limit: 3, byteLimit: 100)
        for id in 1...5 { box.add(self.letter(id)) }
        #expect(box.lost == 2)
        let taken = box.take(2)
        #expect(taken.map(\.channel) == ["3", "4"])
        box.add(self.letter(6))
        box.putBack(taken)
        #expect(box.lost == 3)
        #expect(box.take(10).map(\.channel) == ["4", "5", "6"])
        box.add(self.letter(7, bytes: 60))
        box.add(self.letter(8, bytes: 60))
        #expect(box.take(10).map(\.channel) == ["8"])
        box.add(self.letter(9, bytes: 101))
        #expect(box.count == 0)
        #expect(box.lost == 5)
    }
}

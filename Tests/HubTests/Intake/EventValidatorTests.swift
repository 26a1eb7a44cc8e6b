// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Testing

@Suite struct EventValidatorTests {
    static let publisher = Principal(subject: "svc", scopes: ["publish:*", "source:*"])
    static let now = Timestamp(nanoseconds: 1_700_000_000_000_000_000)

    static func items(_ texts: [String]) throws -> [JSON.Value] {
        try texts.map { try JSON.Value.parse(Array($0.utf8)) }
    }

    private func events(
        _ texts: String...,
        validator: EventValidator = EventValidator(types: EventTypes()),
        publisher: Principal = EventValidatorTests.publisher
    ) throws -> [Event] {
        try validator.events(from: Self.items(texts), publisher: publisher, now: Self.now)
    }

    @Test func wholeEventIsTakenAsItIs() throws {
        let event = try #require(
            try self.events(
                #"""
                {"type":"transactionUpdate","keys":["u_42","u_77"],"id":"tx-9001:completed","source":"payments",
                 "time":"2026-11-20T16:00:00.25Z","extra":1,
                 "data":{ "type":"p2p", "amount":"12.50", "status":"completed" ,"note":" a b "}}
                """#
            ).first
        )
        let data = Array(#"{"type":"p2p","amount":"12.50","status":"completed","note":" a b "}"#.utf8)
        #expect(event.id == "tx-9001:completed")
        #expect(event.source == "payments")
        #expect(event.channels.map(\.description) == ["transactionUpdate:u_42", "transactionUpdate:u_77"])
        #expect(event.time.description == "2026-11-20T16:00:00.250Z")
        #expect(String(decoding: event.data, as: UTF8.self) == String(decoding: data, as: UTF8.self))
        #expect(event.slot == "")
        #expect(
            event.fingerprint
                == Fingerprint(type: event.type, keys: ["u_42", "u_77"], time: event.time, data: data)
        )
    }

    @Test func whatIsAbsentIsFilledIn() throws {
        let events = try self.events(
            #"{"type":"rateChange","data":{"pair":"BTC/USDT","rate":"1"}}"#,
            #"{"type":"rateChange","id":null,"source":null,"time":null,"key":null,"keys":null,"#
                + #""data":{"pair":"BTC/USDT","rate":"1"}}"#
        )
        #expect(events.map(\.source) == ["svc", "svc"])
        #expect(events.map(\.time) == [Self.now, Self.now])
        #expect(events.map(\.keys) == [["BTC/USDT"], ["BTC/USDT"]])
        #expect(Set(events.map(\.id)).count == 2)
        #expect(events.allSatisfy { $0.id.hasPrefix("e-") })
        #expect(events[0].fingerprint == events[1].fingerprint)
    }

    @Test(arguments: [
        (#"{"userId":"u","balance":"1"}"#, "USD"),
        (#"{"userId":"u","balance":"1","currency":"EUR"}"#, "EUR"),
        (#"{"userId":"u","balance":"1","currency":""}"#, ""),
    ])
    func slotIsTheCurrency(data: String, slot: String) throws {
        let events = try self.events(#"{"type":"balanceUpdate","data":\#(data)}"#)
        #expect(events.map(\.slot) == [slot])
    }

    // MARK: - Keys

    struct Keys: Sendable, CustomTestStringConvertible {
        var member: String
        var userId: String?
        var keys: [String]?
        var field: String?

        init(_ member: String, userId: String?, keys: [String]) {
            self.member = member
            self.userId = userId
            self.keys = keys
        }

        init(_ member: String, userId: String?, fault: String) {
            self.member = member
            self.userId = userId
            self.field = fault
        }

        var testDescription: String { "\(self.member) with userId \(self.userId ?? "absent")" }
    }

    @Test(arguments: [
        Keys(#""key":"u_1""#, userId: nil, keys: ["u_1"]),
        Keys(#""key":"u_1""#, userId: "u_1", keys: ["u_1"]),
        Keys(#""keys":["u_1"]"#, userId: nil, keys: ["u_1"]),
        Keys(#""keys":["u_2","u_1"]"#, userId: "u_1", keys: ["u_2", "u_1"]),
        Keys(#""key":null,"keys":["u_1"]"#, userId: nil, keys: ["u_1"]),
        Keys(#""key":"u_1","keys":null"#, userId: nil, keys: ["u_1"]),
        Keys(#""key":null"#, userId: "u_9", keys: ["u_9"]),
        Keys(#""key":"u_1","keys":["u_1"]"#, userId: nil, fault: "keys"),
        Keys(#""key":"u_2""#, userId: "u_1", fault: "data.userId"),
        Keys(#""keys":["u_2","u_3"]"#, userId: "u_1", fault: "data.userId"),
        Keys(#""keys":["u_2","u_2"]"#, userId: nil, fault: "keys"),
        Keys(#""keys":[]"#, userId: "u_1", fault: "keys"),
        Keys(#""keys":"u_1""#, userId: nil, fault: "keys"),
        Keys(#""keys":[1]"#, userId: nil, fault: "keys"),
        Keys(#""keys":{"a":"b"}"#, userId: nil, fault: "keys"),
        Keys(#""keys":["a",""]"#, userId: nil, fault: "keys"),
        Keys(#""key":"""#, userId: nil, fault: "key"),
        Keys(#""key":"a\nb""#, userId: nil, fault: "key"),
        Keys(#""key":7"#, userId: nil, fault: "key"),
        Keys(#""x":1"#, userId: nil, fault: "data.userId"),
        Keys(#""x":1"#, userId: "", fault: "data.userId"),
    ])
    func keysComeFromTheEventOrItsData(sample: Keys) throws {
        let userId = sample.userId.map { #","userId":"\#($0)""# } ?? ""
        let text = #"{"type":"balanceUpdate",\#(sample.member),"data":{"balance":"1"\#(userId)}}"#
        if let keys = sample.keys {
            #expect(try self.events(text).map(\.keys) == [keys])
        } else {
            let fault = #expect(throws: IntakeFault.self) { try self.events(text) }
            guard case .items(let items) = fault, items.count == 1 else {
                Issue.record("\(String(describing: fault))")
                return
            }
            #expect(items[0].field == sample.field)
            #expect(items[0].reason == .invalid)
        }
    }

    @Test func typeWithoutKeyFieldNeedsAKey() throws {
        let type = EventType(name: "alert", readers: .everyone, delivery: .every)
        let validator = EventValidator(types: EventTypes(declared: [type]))
        let fault = ItemFault(index: 0, reason: .invalid, field: "key", message: "is required for alert")
        #expect(throws: IntakeFault.items([fault])) {
            try self.events(#"{"type":"alert","data":{}}"#, validator: validator)
        }
        #expect(try self.events(#"{"type":"alert","key":"k","data":{}}"#, validator: validator).count == 1)
    }

    @Test func keyFieldThatIsNoStringCannotContradictTheKey() throws {
        let type = EventType(name: "alert", readers: .owner, delivery: .every, keyField: "userId")
        let validator = EventValidator(types: EventTypes(declared: [type]))
        #expect(throws: IntakeFault.self) {
            try self.events(#"{"type":"alert","key":"1","data":{"userId":2}}"#, validator: validator)
        }
    }

    // MARK: - Sameness

    private static let sent =
        #"{"type":"rateChange","id":"1","key":"k","time":"2026-11-20T16:00:00Z","data":{"rate":"1","a":[1,2]}}"#

    /// What is sent a second time, and whether that is the same.
    @Test(arguments: [
        (#""key":"k","time":"2026-11-20T16:00:00Z","data":{"rate":"1","a":[1,2]}"#, true),
        (#""data": { "rate" : "1", "a":[1, 2] },"time":"2026-11-20T17:00:00+01:00","keys":["k"]"#, true),
        (#""key":"k","data":{"rate":"1","a":[1,2]}"#, false),
        (#""key":"k","time":"2026-11-20T16:00:01Z","data":{"rate":"1","a":[1,2]}"#, false),
        (#""key":"l","time":"2026-11-20T16:00:00Z","data":{"rate":"1","a":[1,2]}"#, false),
        (#""key":"k","time":"2026-11-20T16:00:00Z","data":{"rate":"2","a":[1,2]}"#, false),
        (#""key":"k","time":"2026-11-20T16:00:00Z","data":{"a":[1,2],"rate":"1"}"#, false),
    ])
    func fingerprintTellsContentNotSpelling(members: String, isSame: Bool) throws {
        let events = try self.events(Self.sent, #"{"type":"rateChange","id":"1",\#(members)}"#)
        #expect((events[0].fingerprint == events[1].fingerprint) == isSame)
    }

    @Test func retryWithoutTimeIsTheSame() throws {
        let text = #"{"type":"rateChange","id":"1","key":"k","data":{"rate":"1"}}"#
        let validator = EventValidator(types: EventTypes())
        let items = try Self.items([text])
        let first = try validator.events(from: items, publisher: Self.publisher, now: Self.now)
        let second = try validator.events(from: items, publisher: Self.publisher, now: Timestamp(nanoseconds: 5))
        #expect(first[0].time != second[0].time)
        #expect(first[0].fingerprint == second[0].fingerprint)
    }
}

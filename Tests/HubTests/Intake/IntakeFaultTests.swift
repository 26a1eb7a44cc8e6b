// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Testing

@Suite struct IntakeFaultTests {
    private func fault(
        _ texts: [String],
        limits: EventValidator.Limits = EventValidator.Limits(),
        publisher: Principal = EventValidatorTests.publisher
    ) throws -> IntakeFault? {
        do {
            let validator = EventValidator(types: EventTypes(), limits: limits)
            _ = try validator.events(
                from: EventValidatorTests.items(texts),
                publisher: publisher,
                now: EventValidatorTests.now
            )
            return nil
        } catch let fault as IntakeFault {
            return fault
        }
    }

    private static let good = #"{"type":"rateChange","key":"k","data":{"rate":"1"}}"#

    struct Bad: Sendable, CustomTestStringConvertible {
        var text: String
        var reason: ItemFault.Reason
        var field: String?
        var part: String

        init(_ text: String, _ reason: ItemFault.Reason, _ field: String?, _ part: String) {
            self.text = text
            self.reason = reason
            self.field = field
            self.part = part
        }

        var testDescription: String { String(self.text.prefix(120)) }
    }

    @Test(arguments: [
        Bad("1", .invalid, nil, "an event is an object"),
        Bad("[]", .invalid, nil, "an event is an object"),
        Bad("null", .invalid, nil, "an event is an object"),
        Bad(#"{"data":{}}"#, .invalid, "type", "is required"),
        Bad(#"{"type":7,"data":{}}"#, .invalid, "type", "is required"),
        Bad(#"{"type":"nope","data":{}}"#, .unknownType, "type", "no event type nope; there are balanceUpdate"),
        Bad(#"{"type":"rateChange","key":"k"}"#, .invalid, "data", "is required (an object)"),
        Bad(#"{"type":"rateChange","key":"k","data":[]}"#, .invalid, "data", "is required (an object)"),
        Bad(#"{"type":"rateChange","key":"k","data":{}}"#, .invalid, "data.rate", "is required (a decimal string"),
        Bad(#"{"type":"rateChange","key":"k","data":{"rate":0.5}}"#, .invalid, "data.rate", "not the number 0.5"),
        Bad(
            #"{"type":"rateChange","key":"k","data":{"rate":"1"},"time":"yesterday"}"#,
            .invalid,
            "time",
            "must be an RFC 3339 time"
        ),
        Bad(#"{"type":"rateChange","key":"k","data":{"rate":"1"},"time":1}"#, .invalid, "time", "RFC 3339"),
        Bad(#"{"type":"rateChange","key":"k","data":{"rate":"1"},"id":""}"#, .invalid, "id", "1 to 256 bytes"),
        Bad(#"{"type":"rateChange","key":"k","data":{"rate":"1"},"id":1}"#, .invalid, "id", "must be a string"),
        Bad(#"{"type":"rateChange","key":"k","data":{"rate":"1"},"id":"a\u0000"}"#, .invalid, "id", "control"),
        Bad(
            #"{"type":"rateChange","key":"k","data":{"rate":"1"},"source":"\#(String(repeating: "s", count: 257))"}"#,
            .invalid,
            "source",
            "1 to 256 bytes"
        ),
        Bad(
            #"{"type":"rateChange","key":"\#(String(repeating: "k", count: 201))","data":{"rate":"1"}}"#,
            .invalid,
            "key",
            "200 bytes without control characters, this has 201"
        ),
        // What is indexed: of 2,700 bytes Postgres makes no index row.
        Self.long("balanceUpdate", #""balance":"1""#, "currency", 2_700),
        Self.long("balanceUpdate", #""balance":"1""#, "walletId", 257),
        Self.long("rateChange", #""rate":"1""#, "exchange", 257),
        Self.long("transactionUpdate", #""type":"x","amount":"1","status":"x""#, "transactionId", 257),
        Self.long("transactionUpdate", #""type":"x","amount":"1","status":"x""#, "currency", 257),
        Self.long("transactionUpdate", #""type":"x","amount":"1","status":"x""#, "walletId", 257),
        Self.long("transactionUpdate", #""type":"x","amount":"1","status":"x""#, "recipientId", 257),
        Self.long("transactionUpdate", #""type":"x","amount":"1","status":"x""#, "pair", 257),
        Self.long("transactionUpdate", #""type":"x","amount":"1","status":"x""#, "side", 60_000),
        Self.long("transactionUpdate", #""amount":"1","status":"x""#, "type", 257),
        Self.long("transactionUpdate", #""type":"x","amount":"1""#, "status", 257),
        Bad(
            #"{"type":"balanceUpdate","key":"k","data":{"balance":"1","walletId":"a\u0000b"}}"#,
            .invalid,
            "data.walletId",
            "control character"
        ),
        Bad(
            #"{"type":"rateChange","key":"k","data":{"rate":"1","exchange":"a"# + "\u{7f}" + #""}}"#,
            .invalid,
            "data.exchange",
            "control character"
        ),
    ])
    func badItemIsNamedWithItsField(bad: Bad) throws {
        let fault = try #require(try self.fault([Self.good, bad.text]))
        guard case .items(let items) = fault else {
            Issue.record("\(fault)")
            return
        }
        #expect(items.count == 1)
        #expect(items.first?.index == 1)
        #expect(items.first?.reason == bad.reason)
        #expect(items.first?.field == bad.field)
        #expect(items.first?.message.contains(bad.part) == true, "\(items)")
    }

    private static func long(_ type: String, _ rest: String, _ field: String, _ length: Int) -> Bad {
        Bad(
            #"{"type":"\#(type)","key":"k","data":{\#(rest),"\#(field)":"\#(String(repeating: "x", count: length))"}}"#,
            .invalid,
            "data.\(field)",
            "has \(length) bytes, the limit is 256"
        )
    }

    /// In bytes, with escapes undone; an empty one is taken, and so is one of the longest.
    @Test(arguments: [
        ("x", 256, true), ("é", 128, true), ("é", 129, false), (#"\u0041"#, 256, true), (#"\u0041"#, 257, false),
        ("x", 0, true),
    ])
    func lengthIsThatOfTheText(letter: String, count: Int, isTaken: Bool) throws {
        let currency = String(repeating: letter, count: count)
        let text = #"{"type":"balanceUpdate","key":"k","data":{"balance":"1","currency":"\#(currency)"}}"#
        #expect(try (self.fault([text]) == nil) == isTaken)
    }

    /// The slot of any type is the key of an index.
    @Test func slotsOfDeclaredTypesAreBounded() throws {
        let slot = EventType.Slot(field: "desk", defaultValue: "main")
        let types = EventTypes(declared: [EventType(name: "t", readers: .everyone, delivery: .latest, slot: slot)])
        let validator = EventValidator(types: types)
        for (length, isTaken) in [(256, true), (257, false)] {
            let text = #"{"type":"t","key":"k","data":{"desk":"\#(String(repeating: "x", count: length))"}}"#
            let items = try EventValidatorTests.items([text])
            let events = try? validator.events(
                from: items,
                publisher: EventValidatorTests.publisher,
                now: EventValidatorTests.now
            )
            #expect((events != nil) == isTaken)
        }
    }

    @Test func everyBadItemIsReportedAndNothingAccepted() throws {
        let fault = try #require(try self.fault(["1", Self.good, "2", Self.good, "3"]))
        guard case .items(let items) = fault else {
            Issue.record("\(fault)")
            return
        }
        #expect(items.map(\.index) == [0, 2, 4])
    }

    @Test func reportsAreBounded() throws {
        let fault = try #require(try self.fault(Array(repeating: "1", count: 500)))
        guard case .items(let items) = fault else {
            Issue.record("\(fault)")
            return
        }
        #expect(items.map(\.index) == Array(0..<EventValidator.maxReportedItems))
    }

    @Test func publishingNeedsTheScopeOfEachType() throws {
        let publisher = Principal(subject: "p", scopes: ["publish:rateChange"])
        #expect(try self.fault([Self.good], publisher: publisher) == nil)
        let foreign = #"{"type":"chainEvent","key":"k","data":{}}"#
        let unknown = #"{"type":"nope","key":"k","data":{}}"#
        let fault = try #require(try self.fault([Self.good, foreign, unknown], publisher: publisher))
        guard case .items(let items) = fault else {
            Issue.record("\(fault)")
            return
        }
        #expect(items.map(\.reason) == [.forbidden, .forbidden])
        #expect(items.map(\.index) == [1, 2])
    }

    @Test func requestWithoutEventsIsMalformed() throws {
        #expect(try self.fault([]) == .malformed("there is no event in the request"))
    }

    @Test func limitsAreInclusive() throws {
        var limits = EventValidator.Limits()
        limits.events = 2
        limits.dataBytes = 17
        limits.keys = 2
        let fits = #"{"type":"rateChange","keys":["a","b"],"data":{ "rate":"123456"  }}"#
        let tooBig = #"{"type":"rateChange","keys":["a","b"],"data":{"rate":"1234567"}}"#
        let tooManyKeys = #"{"type":"rateChange","keys":["a","b","c"],"data":{"rate":"1"}}"#
        #expect(try self.fault([fits, fits], limits: limits) == nil)
        #expect(try self.fault([fits, fits, fits], limits: limits) == .tooManyEvents(limit: 2, actual: 3))
        #expect(
            try self.fault([tooBig], limits: limits)
                == .items([
                    ItemFault(index: 0, reason: .tooLarge, field: "data", message: "has 18 bytes, the limit is 17")
                ])
        )
        #expect(
            try self.fault([tooManyKeys], limits: limits)
                == .items([
                    ItemFault(index: 0, reason: .invalid, field: "keys", message: "must be an array of 1 to 2 keys")
                ])
        )
    }

    @Test(arguments: [
        (IntakeFault.malformed("m"), ErrorCode.badRequest, "m"),
        (.tooManyEvents(limit: 2, actual: 3), .tooLarge, "a request has at most 2 events, this one has 3"),
        (
            .items([
                ItemFault(index: 1, reason: .invalid, field: "data", message: "x"),
                ItemFault(index: 4, reason: .forbidden, field: "type", message: "needs y"),
            ]), .forbidden, "event 4: type needs y; nothing of the request was stored"
        ),
        (
            .items([ItemFault(index: 0, reason: .tooLarge, message: "z")]), .tooLarge,
            "event 0: z; nothing of the request was stored"
        ),
        (
            .items([ItemFault(index: 0, reason: .unknownType, field: "type", message: "z")]), .unknownType,
            "event 0: type z; nothing of the request was stored"
        ),
        (
            .items([ItemFault(index: 0, reason: .conflict, field: "id", message: "z")]), .conflict,
            "event 0: id z; nothing of the request was stored"
        ),
        (
            .items([ItemFault(index: 0, reason: .invalid, field: "id", message: "z")]), .invalidEvent,
            "event 0: id z; nothing of the request was stored"
        ),
    ])
    func worstReasonStandsForTheRequest(fault: IntakeFault, code: ErrorCode, message: String) {
        #expect(fault.summary.code == code)
        #expect(fault.summary.message == message)
    }
}

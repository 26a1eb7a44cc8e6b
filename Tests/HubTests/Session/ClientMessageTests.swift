// SPDX-License-Identifier: Apache-2.0

import Hub
import JSON
import Testing

@Suite struct ClientMessageTests {
    private static func message(_ text: String) throws -> ClientMessage {
        try ClientMessage(JSON.Value.parse(Array(text.utf8)))
    }

    /// What a message comes down to, comparable.
    private static func summary(_ text: String) throws -> String {
        switch try Self.message(text) {
        case .auth(let token): "auth \(token)"
        case .subscribe(let requests): "subscribe " + requests.map(Self.summary).joined(separator: " ")
        case .unsubscribe(let channel): "unsubscribe \(channel)"
        case .history(let channel, let after, let limit): "history \(channel) \(after.map(String.init) ?? "-") \(limit)"
        case .publish(let events): "publish " + events.map(\.json).joined(separator: " ")
        case .ping: "ping"
        }
    }

    private static func summary(_ request: SubscriptionRequest) -> String {
        let since = request.since.map(String.init) ?? "-"
        let snapshot = request.snapshot.map { "\($0)" } ?? "-"
        let interval = request.interval.map(String.init) ?? "-"
        return "[\(request.channel) \(since) \(request.epoch ?? "-") \(snapshot) \(interval)]"
    }

    @Test(arguments: [
        (#"{"op":"auth","token":"t.o.k"}"#, "auth t.o.k"),
        (#"{"op":"auth","token":"","more":[{}]}"#, "auth "),
        (#"{"op":"subscribe","channel":"a:b"}"#, "subscribe [a:b - - - -]"),
        (
            #"{"op":"subscribe","channel":"a:b","since":0,"epoch":"k3","snapshot":false,"interval":250}"#,
            "subscribe [a:b 0 k3 false 250]"
        ),
        (
            #"{"op":"subscribe","channel":"a:b","since":null,"epoch":null,"snapshot":null,"interval":null,"#
                + #""channels":null}"#,
            "subscribe [a:b - - - -]"
        ),
        (
            #"{"op":"subscribe","channels":[{"channel":"a:b","since":9007199254740991},"#
                + #"{"channel":"c:d","snapshot":true}]}"#,
            "subscribe [a:b 9007199254740991 - - -] [c:d - - true -]"
        ),
        (#"{"op":"subscribe","channel":"a:b","interval":1}"#, "subscribe [a:b - - - 1]"),
        (#"{"op":"subscribe","channel":"a:b","interval":3600000}"#, "subscribe [a:b - - - 3600000]"),
        (#"{"op":"unsubscribe","channel":"a:b"}"#, "unsubscribe a:b"),
        (#"{"op":"history","channel":"a:b"}"#, "history a:b - 100"),
        (#"{"op":"history","channel":"a:b","after":5,"limit":1000}"#, "history a:b 5 1000"),
        (#"{"op":"history","channel":"a:b","after":0,"limit":1}"#, "history a:b 0 1"),
        (#"{"op":"publish","events":[]}"#, "publish "),
        (#"{"op":"publish","events":[{"a":1}, 2]}"#, #"publish {"a":1} 2"#),
        (#"{"op":"ping"}"#, "ping"),
        (#"{"op":"\u0070ing","x":null}"#, "ping"),
    ])
    func messagesAreUnderstood(text: String, meaning: String) throws {
        #expect(try Self.summary(text) == meaning)
    }

    @Test(arguments: [
        ("{}", ErrorCode.badRequest, #"a message must have a member "op" (a string)"#),
        (#"{"op":null}"#, .badRequest, #"a message must have a member "op" (a string)"#),
        (#"{"op":7}"#, .badRequest, #"a message must have a member "op" (a string)"#),
        (#"{"op":""}"#, .unknownOp, #"unknown op """#),
        (#"{"op":"Ping"}"#, .unknownOp, #"unknown op "Ping"; use auth, subscribe, unsubscribe"#),
        (#"{"op":"auth"}"#, .badRequest, #""token" is required (a string)"#),
        (#"{"op":"auth","token":null}"#, .badRequest, #""token" is required (a string)"#),
        (#"{"op":"auth","token":1}"#, .badRequest, #""token" must be a string"#),
        (#"{"op":"subscribe"}"#, .badRequest, #""channel" is required (a string)"#),
        (#"{"op":"subscribe","channel":["a:b"]}"#, .badRequest, #""channel" must be a string"#),
        (#"{"op":"subscribe","channel":"a:b","since":"5"}"#, .badRequest, #""since" must be a whole number"#),
        (#"{"op":"subscribe","channel":"a:b","since":1.5}"#, .badRequest, #""since" must be a whole number"#),
        (
            #"{"op":"subscribe","channel":"a:b","since":-1}"#, .badRequest,
            #""since" must be a whole number from 0 to 9007199254740991, not -1"#
        ),
        (#"{"op":"subscribe","channel":"a:b","epoch":3}"#, .badRequest, #""epoch" must be a string"#),
        (#"{"op":"subscribe","channel":"a:b","snapshot":1}"#, .badRequest, #""snapshot" must be true or false"#),
        (#"{"op":"subscribe","channel":"a:b","interval":"1s"}"#, .badRequest, #""interval" must be a whole number"#),
        (
            #"{"op":"subscribe","channel":"a:b","interval":0}"#, .badRequest,
            #""interval" must be a whole number of milliseconds from 1 to 3600000, not "#
        ),
        (
            #"{"op":"subscribe","channel":"a:b","interval":3600001}"#, .badRequest,
            #""interval" must be a whole number of milliseconds from 1 to 3600000, not "#
        ),
        (#"{"op":"subscribe","channels":[]}"#, .badRequest, #""channels" must be an array of at least one"#),
        (#"{"op":"subscribe","channels":{}}"#, .badRequest, #""channels" must be an array of at least one"#),
        (#"{"op":"subscribe","channels":"a:b"}"#, .badRequest, #""channels" must be an array of at least one"#),
        (#"{"op":"subscribe","channels":["a:b"]}"#, .badRequest, #""channel" is required (a string)"#),
        (#"{"op":"subscribe","channels":[{"channel":"a:b"},{"since":1}]}"#, .badRequest, #""channel" is required"#),
        (#"{"op":"unsubscribe"}"#, .badRequest, #""channel" is required (a string)"#),
        (#"{"op":"unsubscribe","channel":1}"#, .badRequest, #""channel" must be a string"#),
        (#"{"op":"history"}"#, .badRequest, #""channel" is required (a string)"#),
        (
            #"{"op":"history","channel":"a:b","after":-1}"#, .badRequest,
            #""after" must be a whole number from 0 to 9007199254740991, not -1"#
        ),
        (#"{"op":"history","channel":"a:b","after":"1"}"#, .badRequest, #""after" must be a whole number"#),
        (
            #"{"op":"history","channel":"a:b","limit":0}"#, .badRequest,
            #""limit" must be a whole number from 1 to 1000, not 0"#
        ),
        (
            #"{"op":"history","channel":"a:b","limit":1001}"#, .badRequest,
            #""limit" must be a whole number from 1 to 1000, not 1001"#
        ),
        (#"{"op":"history","channel":"a:b","limit":true}"#, .badRequest, #""limit" must be a whole number"#),
        (#"{"op":"publish"}"#, .badRequest, #""events" is required (an array of events)"#),
        (#"{"op":"publish","events":{"type":"x"}}"#, .badRequest, #""events" is required (an array of events)"#),
    ])
    func whatIsNotUnderstoodIsSaid(text: String, code: ErrorCode, part: String) throws {
        let fault = #expect(throws: MessageFault.self) { try Self.message(text) }
        #expect(fault?.code == code)
        #expect(fault?.message.hasPrefix(part) == true, "\(fault?.message ?? "")")
    }

    @Test func longUnknownOpIsCut() {
        let fault = #expect(throws: MessageFault.self) {
            try Self.message(#"{"op":"\#(String(repeating: "x", count: 10_000))"}"#)
        }
        #expect((fault?.message.utf8.count ?? .max) < 250)
    }

    // MARK: - Request ids

    @Test(arguments: [
        ("1", true), ("-1.5e300", true), (#""a""#, true), (#""\u0041\"""#, true), (#""""#, true),
        ("null", false), ("true", false), ("[1]", false), ("{}", false),
        ("\"" + String(repeating: "x", count: 126) + "\"", true),
        ("\"" + String(repeating: "x", count: 127) + "\"", false),
    ])
    func requestIDIsANumberOrAStringAsWritten(text: String, isID: Bool) throws {
        let id = RequestID(try JSON.Value.parse(Array(text.utf8)))
        #expect((id != nil) == isID)
        if let id { #expect(String(decoding: id.text, as: UTF8.self) == text) }
    }
}

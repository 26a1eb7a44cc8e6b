// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Testing

@Suite struct ServerMessageTests {
    private static let one = try? RequestID(JSON.Value.parse(Array("1".utf8)))
    private static let text = try? RequestID(JSON.Value.parse(Array(#""a\"b""#.utf8)))
    private static let balance = ChannelName(type: "balanceUpdate", key: "u_42")
    private static let rate = ChannelName(type: "rateChange", key: "BTC/USDT")
    private static let time = Timestamp(nanoseconds: 1_795_190_400_000_000_000)
    private static let entry = TapeEntry(seq: 5, id: "x", time: time, data: Array(#"{"a":1}"#.utf8), slot: "")
    private static let positions = [
        Position(channel: balance, epoch: "k3", seq: 504), Position(channel: rate, epoch: "k3", seq: 1),
    ]

    struct Line: Sendable, CustomTestStringConvertible {
        var message: ServerMessage
        var text: String

        init(_ message: ServerMessage, _ text: String) {
            self.message = message
            self.text = text
        }

        var testDescription: String { self.text }
    }

    @Test(arguments: [
        Line(
            .welcome(session: "s_1", node: "node-1", heartbeatMilliseconds: 10_000),
            #"{"op":"welcome","session":"s_1","node":"node-1","heartbeat":10000}"#
        ),
        Line(
            .authenticated(id: one, user: "u_42", expires: time),
            #"{"op":"authenticated","id":1,"user":"u_42","expires":"2026-11-20T16:00:00Z"}"#
        ),
        Line(.authenticated(id: nil, user: "u\"", expires: nil), #"{"op":"authenticated","user":"u\""}"#),
        Line(
            .subscribed(id: one, channel: balance, epoch: "k3", head: 1081, mode: .resumed),
            #"{"op":"subscribed","id":1,"channel":"balanceUpdate:u_42","epoch":"k3","head":1081,"mode":"resumed"}"#
        ),
        Line(
            .subscribed(id: nil, channel: rate, epoch: "k3", head: 0, mode: .live),
            #"{"op":"subscribed","channel":"rateChange:BTC/USDT","epoch":"k3","head":0,"mode":"live"}"#
        ),
        Line(
            .subscribed(id: text, channel: rate, epoch: "k3", head: 7, mode: .snapshot),
            #"{"op":"subscribed","id":"a\"b","channel":"rateChange:BTC/USDT","epoch":"k3","head":7,"mode":"snapshot"}"#
        ),
        Line(
            .unsubscribed(id: one, channel: balance),
            #"{"op":"unsubscribed","id":1,"channel":"balanceUpdate:u_42"}"#
        ),
        Line(.caughtUp(channel: balance, seq: 1082), #"{"op":"caughtUp","channel":"balanceUpdate:u_42","seq":1082}"#),
        Line(
            .history(id: one, channel: balance, epoch: "k3", entries: [entry], next: 5),
            #"{"op":"history","id":1,"channel":"balanceUpdate:u_42","epoch":"k3","#
                + #""events":[{"seq":5,"id":"x","time":"2026-11-20T16:00:00Z","data":{"a":1}}],"next":5}"#
        ),
        Line(
            .history(id: nil, channel: balance, epoch: "k3", entries: [], next: 0),
            #"{"op":"history","channel":"balanceUpdate:u_42","epoch":"k3","events":[],"next":0}"#
        ),
        Line(
            .published(
                id: one,
                results: [
                    PublishResult(id: "tx-9001:completed", receipt: Receipt(status: .accepted, positions: positions)),
                    PublishResult(id: "d", receipt: Receipt(status: .duplicate, positions: [])),
                ]
            ),
            #"{"op":"published","id":1,"results":[{"id":"tx-9001:completed","status":"accepted","positions":["#
                + #"{"channel":"balanceUpdate:u_42","epoch":"k3","seq":504},"#
                + #"{"channel":"rateChange:BTC/USDT","epoch":"k3","seq":1}]},"#
                + #"{"id":"d","status":"duplicate","positions":[]}]}"#
        ),
        Line(.pong(id: nil), #"{"op":"pong"}"#),
        Line(.pong(id: text), #"{"op":"pong","id":"a\"b"}"#),
        Line(
            .heartbeat(time: time, heads: [(balance, 1082), (rate, 3)]),
            #"{"op":"heartbeat","time":"2026-11-20T16:00:00Z","#
                + #""heads":{"balanceUpdate:u_42":1082,"rateChange:BTC/USDT":3}}"#
        ),
        Line(.heartbeat(time: time, heads: []), #"{"op":"heartbeat","time":"2026-11-20T16:00:00Z","heads":{}}"#),
        Line(
            .error(id: one, code: .cursorExpired, message: "m", channel: nil),
            #"{"op":"error","id":1,"code":"cursor_expired","message":"m","action":"snapshot"}"#
        ),
        Line(
            .error(id: nil, code: .forbidden, message: "m\n", channel: "a:b"),
            #"{"op":"error","code":"forbidden","message":"m\n","channel":"a:b"}"#
        ),
        Line(
            .error(
                id: one,
                code: .invalidEvent,
                message: "m",
                items: [
                    ItemFault(index: 0, reason: .invalid, field: "data.rate", message: "is required"),
                    ItemFault(index: 3, reason: .forbidden, message: "no"),
                ]
            ),
            #"{"op":"error","id":1,"code":"invalid_event","message":"m","#
                + #""items":[{"index":0,"field":"data.rate","message":"is required"},{"index":3,"message":"no"}]}"#
        ),
        Line(
            .goodbye(reason: "draining", reconnectAfter: 18_250),
            #"{"op":"goodbye","reason":"draining","reconnectAfter":18250}"#
        ),
    ])
    func textIsAsTheProtocolShows(line: Line) throws {
        try #require(Self.one != nil && Self.text != nil)
        #expect(String(decoding: line.message.encoded(), as: UTF8.self) == line.text)
    }

    // MARK: - Codes

    @Test(
        arguments: [
            (ErrorCode.cursorExpired, "cursor_expired", "snapshot"), (.epochChanged, "epoch_changed", "snapshot"),
            (.notAuthenticated, "not_authenticated", "auth"), (.tokenExpired, "token_expired", "auth"),
            (.unavailable, "unavailable", "retry"), (.overloaded, "overloaded", "retry"), (.badToken, "bad_token", nil),
            (.badRequest, "bad_request", nil), (.unknownOp, "unknown_op", nil), (.forbidden, "forbidden", nil),
            (.unknownType, "unknown_type", nil), (.alreadySubscribed, "already_subscribed", nil),
            (.notSubscribed, "not_subscribed", nil), (.tooManySubscriptions, "too_many_subscriptions", nil),
            (.invalidEvent, "invalid_event", nil), (.conflict, "conflict", nil), (.tooLarge, "too_large", nil),
        ] as [(ErrorCode, String, String?)]
    )
    func codesAreWordsWithActions(code: ErrorCode, word: String, action: String?) {
        #expect(code.rawValue == word)
        #expect(code.action == action)
    }

    @Test(
        arguments: [
            (CloseReason.draining(reconnectAfter: 18_250), 4001), (.tokenExpired, 4005), (.heartbeatTimeout, 4009),
            (.overloaded, 4013), (.badMessage("x"), 4500), (.notAuthenticated("x"), 4501),
            (.tooManySubscriptions(limit: 5), 4505),
        ] as [(CloseReason, UInt16)]
    )
    func closeCodesAreThoseOfTheProtocol(reason: CloseReason, code: UInt16) {
        #expect(reason.code == code)
        #expect(!reason.text.isEmpty)
        #expect(reason.text.utf8.count <= 123)
    }
}

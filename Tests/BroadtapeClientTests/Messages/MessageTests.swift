// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import Testing

@testable import BroadtapeClient

struct MessageTests {
    struct Case: Sendable {
        var text: String
        var message: Message
    }

    private static let event = Event(
        channel: "rateChange:A/B",
        seq: 7,
        id: "e-1",
        time: "2026-11-20T16:00:00Z",
        data: Array(#"{ "rate": "1.50" }"#.utf8)
    )

    @Test(arguments: [
        Case(
            text: #"{"op":"welcome","session":"s","node":"n","heartbeat":10000,"later":[1]}"#,
            message: .welcome(Message.Welcome(session: "s", node: "n", heartbeatMilliseconds: 10_000))
        ),
        Case(
            text: #"{"op":"authenticated","id":1,"user":"u","expires":"2026-11-20T16:00:00Z"}"#,
            message: .authenticated(Message.Authenticated(id: 1, user: "u", expires: "2026-11-20T16:00:00Z"))
        ),
        Case(
            text: #"{"op":"authenticated","id":"mine","user":"u"}"#,
            message: .authenticated(Message.Authenticated(user: "u"))
        ),
        Case(
            text: #"{"op":"subscribed","id":2,"channel":"a:b","epoch":"k","head":3,"mode":"resumed"}"#,
            message: .subscribed(Message.Subscribed(id: 2, channel: "a:b", epoch: "k", head: 3, mode: .resumed))
        ),
        Case(
            text: #"{"op":"subscribed","channel":"a:b","epoch":"k","head":3,"mode":"sideways"}"#,
            message: .subscribed(Message.Subscribed(channel: "a:b", epoch: "k", head: 3, mode: .live))
        ),
        Case(text: #"{"op":"unsubscribed","channel":"a:b"}"#, message: .unsubscribed(id: nil, channel: "a:b")),
        Case(
            text: #"{"op":"unsubscribed","channel":"a:b","reason":"forbidden"}"#,
            message: .error(
                Message.Fault(
                    id: nil,
                    code: "forbidden",
                    message: "the token does not allow it any more",
                    channel: "a:b",
                    action: nil,
                    items: []
                )
            )
        ),
        Case(
            text: #"{"op":"event","channel":"rateChange:A/B","seq":7,"id":"e-1","time":"2026-11-20T16:00:00Z","#
                + #""data":{ "rate": "1.50" }}"#,
            message: .event(event)
        ),
        Case(
            text: #"{"op":"snapshot","data":{ "rate": "1.50" },"time":"2026-11-20T16:00:00Z","id":"e-1","seq":7,"#
                + #""channel":"rateChange:A\/B"}"#,
            message: .snapshot(event)
        ),
        Case(text: #"{"op":"caughtUp","channel":"a:b","seq":9}"#, message: .caughtUp(channel: "a:b", seq: 9)),
        Case(
            text: #"{"op":"heartbeat","time":"x","heads":{"a:b":9,"c:d":0,"e:f":"?"}}"#,
            message: .heartbeat(heads: ["a:b": 9, "c:d": 0])
        ),
        Case(text: #"{"op":"heartbeat"}"#, message: .heartbeat(heads: [:])),
        Case(
            text: #"{"op":"heartbeat","heads":{"a:b":9},"paused":true,"stale":["rate.binance","rate.é"]}"#,
            message: .heartbeat(heads: ["a:b": 9], isPaused: true, stale: ["rate.binance", "rate.é"])
        ),
        Case(
            text: #"{"op":"heartbeat","heads":{},"paused":"yes","stale":{"a":"b"}}"#,
            message: .heartbeat(heads: [:])
        ),
        Case(
            text: #"{"op":"heartbeat","paused":false,"stale":[1,"a",null]}"#,
            message: .heartbeat(heads: [:], stale: ["a"])
        ),
        Case(
            text: #"{"op":"history","id":4,"channel":"a:b","epoch":"k","events":[{"seq":1,"id":"i","time":"t","#
                + #""data":1}],"next":1}"#,
            message: .history(
                Message.History(
                    id: 4,
                    channel: "a:b",
                    epoch: "k",
                    events: [Event(channel: "a:b", seq: 1, id: "i", time: "t", data: Array("1".utf8))],
                    next: 1
                )
            )
        ),
        Case(
            text: #"{"op":"published","id":5,"results":[{"id":"i","status":"duplicate","positions":"#
                + #"[{"channel":"a:b","epoch":"k","seq":1}]}]}"#,
            message: .published(
                Message.Published(
                    id: 5,
                    results: [
                        Receipt(
                            id: "i",
                            status: .duplicate,
                            positions: [Position(channel: "a:b", epoch: "k", seq: 1)]
                        )
                    ]
                )
            )
        ),
        Case(text: #"{"op":"pong","id":6}"#, message: .pong(id: 6)),
        Case(
            text: #"{"op":"error","id":2,"code":"conflict","message":"m","channel":"a:b","action":"snapshot","#
                + #""items":[{"index":3,"field":"data.amount","message":"x"},{"message":"no index"}]}"#,
            message: .error(
                Message.Fault(
                    id: 2,
                    code: "conflict",
                    message: "m",
                    channel: "a:b",
                    action: "snapshot",
                    items: [Problem.Item(index: 3, field: "data.amount", message: "x")]
                )
            )
        ),
        Case(
            text: #"{"op":"error"}"#,
            message: .error(Message.Fault(code: "unknown", message: "", items: []))
        ),
        Case(
            text: #"{"op":"goodbye","reason":"draining","reconnectAfter":18250}"#,
            message: .goodbye(reason: "draining", reconnectAfter: 18_250)
        ),
        Case(text: #"{"op":"goodbye","reconnectAfter":-1}"#, message: .goodbye(reason: "", reconnectAfter: 0)),
        Case(text: #"{"op":"weather","rain":true}"#, message: .unknown(op: "weather")),
    ])
    func messagesAreRead(_ expected: Case) throws {
        #expect(try Message(ByteBuffer(string: expected.text)) == expected.message)
    }

    @Test(arguments: [
        "", "[]", "1", "{}", #"{"op":1}"#, #"{"op":"event""#, #"{"op":"event","seq":1,"id":"x","data":1}"#,
        #"{"op":"event","channel":"a:b","id":"x","data":1}"#, #"{"op":"event","channel":"a:b","seq":1,"id":"x"}"#,
        #"{"op":"event","channel":"a:b","seq":-1,"id":"x","data":1}"#,
        #"{"op":"event","channel":"a:b","seq":1.5,"id":"x","data":1}"#,
        #"{"op":"event","channel":"a:b","seq":1,"data":1}"#, #"{"op":"welcome"}"#, #"{"op":"subscribed"}"#,
        #"{"op":"published","results":[{}]}"#, #"{"op":"history","channel":"a:b","events":[{}],"next":1}"#,
    ])
    func othersAreNot(_ text: String) {
        #expect(throws: Message.Unreadable.self) { try Message(ByteBuffer(string: text)) }
    }
}

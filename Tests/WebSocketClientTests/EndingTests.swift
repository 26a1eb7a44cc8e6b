// SPDX-License-Identifier: Apache-2.0

import Testing
import WebSocketClient

struct EndingTests {
    @Test(arguments: [
        Ending.unreachable("x"), .timedOut(milliseconds: 1), .silent(milliseconds: 1), .stuck(channel: "x"),
        .noToken("x"), .closed(code: 1000, reason: ""), .closed(code: 1001, reason: ""),
        .closed(code: 1005, reason: ""), .closed(code: 1006, reason: ""), .closed(code: 1011, reason: ""),
        .closed(code: 1012, reason: ""), .closed(code: 1013, reason: ""), .closed(code: 4000, reason: ""),
        .closed(code: 4001, reason: ""), .closed(code: 4005, reason: ""), .closed(code: 4008, reason: ""),
        .closed(code: 4009, reason: ""), .closed(code: 4013, reason: ""), .closed(code: 4099, reason: ""),
        .refused(status: 429, reason: "", retryAfter: nil), .refused(status: 500, reason: "", retryAfter: nil),
        .refused(status: 503, reason: "", retryAfter: nil),
    ])
    func passingTroubleReconnects(_ ending: Ending) {
        #expect(ending.verdict == .reconnect)
    }

    @Test(arguments: [
        Ending.handshake("x"), .violation("x"), .nothingToRead(code: "x", message: "x"),
        .closed(code: 1002, reason: ""), .closed(code: 1003, reason: ""), .closed(code: 1007, reason: ""),
        .closed(code: 1008, reason: ""), .closed(code: 1009, reason: ""), .closed(code: 4500, reason: ""),
        .closed(code: 4501, reason: ""), .closed(code: 4508, reason: ""), .closed(code: 4999, reason: ""),
        .refused(status: 401, reason: "", retryAfter: nil), .refused(status: 403, reason: "", retryAfter: nil),
        .refused(status: 404, reason: "", retryAfter: nil),
    ])
    func finalTroubleStops(_ ending: Ending) {
        #expect(ending.verdict == .stop)
    }
}

// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import NIOCore
import Testing

struct RequestTests {
    struct Case: Sendable {
        var request: Request
        var text: String
    }

    @Test(arguments: [
        Case(request: .ping, text: #"{"op":"ping","id":1}"#),
        Case(request: .auth(token: "t"), text: #"{"op":"auth","token":"t","id":1}"#),
        Case(
            request: .subscribe([
                Request.Subscribe(channel: "a:b", since: 0, epoch: "k"),
                Request.Subscribe(channel: "c:d", snapshot: true, interval: 250),
                Request.Subscribe(channel: "e"),
            ]),
            text: #"{"op":"subscribe","channels":[{"channel":"a:b","since":0,"epoch":"k"},"#
                + #"{"channel":"c:d","snapshot":true,"interval":250},{"channel":"e"}],"id":1}"#
        ),
        Case(request: .unsubscribe(channel: "a:\"b"), text: #"{"op":"unsubscribe","channel":"a:\"b","id":1}"#),
        Case(
            request: .history(channel: "a:b", after: 3, limit: 100),
            text: #"{"op":"history","channel":"a:b","after":3,"limit":100,"id":1}"#
        ),
        Case(
            request: .publish([Array(#"{"type":"x"}"#.utf8)]),
            text: #"{"op":"publish","events":[{"type":"x"}],"id":1}"#
        ),
    ])
    func requestsAreWritten(_ expected: Case) {
        #expect(String(buffer: expected.request.encoded(id: 1)) == expected.text)
    }

    @Test func manySubscriptionsAreSeveralRequests() {
        let wanted = (0..<2_000).map { (user: Int) in
            Request.Subscribe(channel: "balanceUpdate:\"u_\(user)", since: user, epoch: "k3")
        }
        let requests = Request.subscribes(wanted)
        #expect(requests.count > 1)
        #expect(requests.allSatisfy { $0.encoded(id: .max).readableBytes < 64 << 10 })
        let together = requests.flatMap { request -> [Request.Subscribe] in
            guard case .subscribe(let list) = request else { return [] }
            return list
        }
        #expect(together == wanted)
        #expect(Request.subscribes([]).isEmpty)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Testing
import WebSocketClient

struct WebSocketURLTests {
    @Test(arguments: [
        ("wss://h", "wss://h/"), ("WS://h:80/", "ws://h/"), ("wss://h:443/ws", "wss://h/ws"),
        ("wss://h?streams=a@b", "wss://h/?streams=a@b"), ("ws://[::1]:9/a/?b=/c?d", "ws://[::1]:9/a/?b=/c?d"),
        ("https://h/v2/key", "wss://h/v2/key"),
    ])
    func pathAndQueryAreKept(_ text: String, _ url: String) throws {
        #expect(try WebSocketURL(text).description == url)
    }

    @Test(arguments: ["", "h", "ws:/h", "ftp://h", "ws://", "ws:///ws", "ws://u:p@h", "ws://h#x", "ws://h/\r\nX: y"])
    func othersAreRefused(_ text: String) {
        #expect(throws: WebSocketURL.Invalid.self) { try WebSocketURL(text) }
    }

    @Test func errorHidesWhatMayBeAKey() {
        let error = #expect(throws: WebSocketURL.Invalid.self) { try WebSocketURL("wss://user:secret@h/ws") }
        #expect(error?.description.contains("secret") == false)
        #expect(
            error?.description.hasSuffix("is not the URL of a WebSocket: it has credentials; give a token instead")
                == true
        )
    }
}

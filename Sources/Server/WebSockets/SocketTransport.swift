// SPDX-License-Identifier: Apache-2.0

import Hub
import NIOCore
import WebSocket

/// The transport of a session over its WebSocket. Must be called on the connection's loop.
final class SocketTransport: Transport {
    private let handler: NIOLoopBound<WebSocketHandler>

    init(handler: WebSocketHandler, loop: any EventLoop) {
        self.handler = NIOLoopBound(handler, eventLoop: loop)
    }

    var eventWriter: any EventWriter {
        self.handler.value
    }

    var isWritable: Bool {
        self.handler.value.isWritable
    }

    var lastHeard: NIODeadline {
        self.handler.value.lastHeard
    }

    func write(_ frames: ByteBuffer) {
        self.handler.value.write(frames)
    }

    var takesCompressedRuns: Bool {
        self.handler.value.takesCompressedRuns
    }

    func writeRun(_ frames: ByteBuffer) {
        self.handler.value.writeRun(frames)
    }

    func flush() {
        self.handler.value.flush()
    }

    func ping() {
        self.handler.value.ping()
    }

    func resumeReading() {
        self.handler.value.resumeReading()
    }

    func close(_ reason: CloseReason) {
        self.handler.value.close(WebSocket.CloseCode(rawValue: reason.code), reason: reason.text)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Hub
import NIOCore

/// The transport of a session over Server-Sent Events. Must be called on the connection's loop.
final class StreamTransport: Transport {
    private let handler: NIOLoopBound<StreamHandler>
    private let loop: any EventLoop

    init(handler: StreamHandler, loop: any EventLoop) {
        self.handler = NIOLoopBound(handler, eventLoop: loop)
        self.loop = loop
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

    func flush() {
        self.handler.value.flush()
    }

    /// Does nothing: a stream is unidirectional, and the client's kernel acknowledges heartbeats.
    func ping() {}

    /// Does nothing: nothing is read.
    func resumeReading() {}

    func close(_ reason: CloseReason) {
        self.handler.value.close(reason)
    }

    /// Starts the body after the response head has been written, and runs until the stream ends. Callable from any
    /// thread.
    func run() async throws {
        try await self.loop.flatSubmit { self.handler.value.run() }.get()
    }
}

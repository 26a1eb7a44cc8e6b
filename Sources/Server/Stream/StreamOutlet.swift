// SPDX-License-Identifier: Apache-2.0

import Hub
import NIOCore

/// A session's way out over a stream of Server-Sent Events; every call happens on the connection's loop.
final class StreamOutlet: Outlet {
    private let handler: NIOLoopBound<StreamHandler>
    private let loop: any EventLoop

    init(handler: StreamHandler, loop: any EventLoop) {
        self.handler = NIOLoopBound(handler, eventLoop: loop)
        self.loop = loop
    }

    var lane: any Lane {
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

    /// A stream has no way back; its heartbeats are acknowledged by the client's kernel.
    func ping() {}

    /// Nothing is read.
    func resumeReading() {}

    func close(_ reason: CloseReason) {
        self.handler.value.close(reason)
    }

    /// The answer's head was written: sends what there is, and goes on until the stream ends. From any thread.
    func run() async throws {
        try await self.loop.flatSubmit { self.handler.value.run() }.get()
    }
}

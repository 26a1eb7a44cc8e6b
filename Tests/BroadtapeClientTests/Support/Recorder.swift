// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import NIOCore
import NIOPosix

/// A receiver that writes down what happens to a connection, and holds the connection for the test.
final class Recorder: ConnectionReceiver {
    enum Happening: Sendable, Equatable {
        case opened
        case text(String)
        case ended(Ending)
    }

    private let happenings: AsyncStream<Happening>.Continuation
    private(set) var connection: Connection?
    private(set) var texts = 0

    private init(_ happenings: AsyncStream<Happening>.Continuation) {
        self.happenings = happenings
    }

    func connectionOpened() { self.happenings.yield(.opened) }

    func connectionReceived(_ text: ByteBuffer) {
        self.texts += 1
        self.happenings.yield(.text(String(buffer: text)))
    }

    func connectionEnded(_ ending: Ending) {
        self.happenings.yield(.ended(ending))
        self.happenings.finish()
        self.connection = nil
    }

    /// Connects; the test sees the happenings and reaches the connection on its loop.
    static func connect(
        _ connector: Connector,
        token: String? = nil
    ) async throws -> (happenings: AsyncStream<Happening>, handle: Handle) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let (stream, continuation) = AsyncStream.makeStream(of: Happening.self)
        let recorder = try await loop.submit {
            let recorder = Recorder(continuation)
            recorder.connection = connector.connect(on: loop, token: token, receiver: recorder)
            return NIOLoopBound(recorder, eventLoop: loop)
        }.get()
        return (stream, Handle(loop: loop, recorder: recorder))
    }

    /// Reaches a connection from a test.
    struct Handle: Sendable {
        let loop: any EventLoop
        let recorder: NIOLoopBound<Recorder>

        /// How many messages arrived so far.
        var texts: Int {
            get async throws { try await self.loop.submit { self.recorder.value.texts }.get() }
        }

        func callAsFunction(_ body: @escaping @Sendable (Connection) -> Void) async throws {
            try await self.loop.submit {
                if let connection = self.recorder.value.connection { body(connection) }
            }.get()
        }
    }
}

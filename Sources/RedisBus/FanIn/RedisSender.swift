// SPDX-License-Identifier: Apache-2.0

package import Logging
package import NIOCore
import Synchronization

/// Publishes messages to Redis channels, over its own connection.
///
/// Nothing is queued: messages that cannot be sent immediately are refused, and sent messages may be lost. Publishers
/// that need reliability number their messages and resend them on request.
package final class RedisSender: RedisReceiver {
    /// Channel without subscribers, for checking that Redis accepts messages.
    private static let greeting = "broadtape.hello"

    private let loop: any EventLoop
    private let connection: NIOLoopBoundBox<RedisConnection?>
    private let waiting: NIOLoopBoundBox<[CheckedContinuation<Void, Never>]>
    private let connector: RedisConnector
    private let logger: Logger
    private let lost = Atomic<Int>(0)

    package init(connector: RedisConnector, on loop: any EventLoop, logger: Logger) {
        self.connector = connector
        self.loop = loop
        self.logger = logger
        self.connection = .makeEmptyBox(valueType: RedisConnection.self, eventLoop: loop)
        self.waiting = .makeBoxSendingValue([], eventLoop: loop)
    }

    /// Number of refused messages.
    package var refused: Int {
        self.lost.load(ordering: .relaxed)
    }

    /// Keeps a connection until the task is cancelled.
    package func run() async {
        await RedisLink(
            connector: self.connector,
            loop: self.loop,
            opening: .publish(channel: Self.greeting, first: ByteBuffer(string: "{}")),
            receiver: self,
            logger: self.logger
        ).run()
    }

    /// Sends a message; waits while the connection is not writable.
    /// - Returns: False if there is no connection.
    package func send(_ message: [UInt8], to channel: String) async -> Bool {
        while true {
            switch await self.attempt(message, channel) {
            case .sent: return true
            case .refused: return false
            case .full: await self.waitForRoom()
            }
        }
    }

    /// Sends a message if there is a writable connection; callable from any thread.
    package func post(_ message: [UInt8], to channel: String) {
        self.loop.execute {
            if self.hand(message, channel) != .sent { self.lost.wrappingAdd(1, ordering: .relaxed) }
        }
    }

    private enum OnSend: Sendable {
        case sent
        case refused
        case full
    }

    private func attempt(_ message: [UInt8], _ channel: String) async -> OnSend {
        await withCheckedContinuation { continuation in
            self.loop.execute { continuation.resume(returning: self.hand(message, channel)) }
        }
    }

    /// Called on the loop.
    private func hand(_ message: [UInt8], _ channel: String) -> OnSend {
        guard let connection = self.connection.value else { return .refused }
        guard connection.isWritable else { return .full }
        connection.send(RedisCommand.format(["PUBLISH", channel], payload: ByteBuffer(bytes: message)))
        connection.flush()
        return .sent
    }

    private func waitForRoom() async {
        await withCheckedContinuation { continuation in
            self.loop.execute {
                guard let connection = self.connection.value, !connection.isWritable else {
                    return continuation.resume()
                }
                self.waiting.value.append(continuation)
            }
        }
    }

    private func letGo() {
        let waiting = self.waiting.value
        self.waiting.value = []
        for continuation in waiting { continuation.resume() }
    }

    func opened(_ connection: RedisConnection) {
        self.connection.value = connection
        self.letGo()
    }

    /// Does nothing: the number of receivers of a message is not used.
    func received(_ value: RedisValue, from connection: RedisConnection) {}

    func becameWritable(_ connection: RedisConnection) {
        self.letGo()
    }

    func ended(_ ending: RedisEnding) {
        self.connection.value = nil
        self.letGo()
    }
}

// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Synchronization

/// Received messages queued for one consumer; bounded in bytes by backpressure on the socket, not by dropping.
///
/// May exceed its bound by one read of the socket and by one message.
final class Inbox<Message: Sendable>: Sendable {
    private struct State {
        var queue = Deque<(message: Message, bytes: Int)>()
        var bytes = 0
        var isFull = false
        var consumer: CheckedContinuation<Void, Never>?
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: In bytes, as counted by the producer.
    init(limit: Int) {
        self.limit = limit
    }

    var bytes: Int {
        self.state.withLock { $0.bytes }
    }

    var isFull: Bool {
        self.state.withLock { $0.isFull }
    }

    func put(_ message: Message, bytes: Int) {
        let consumer = self.state.withLock { state in
            state.queue.append((message, bytes))
            state.bytes += bytes
            if state.bytes >= self.limit { state.isFull = true }
            defer { state.consumer = nil }
            return state.consumer
        }
        consumer?.resume()
    }

    /// The next message; nil if the task is cancelled. For one consumer at a time.
    /// - Parameter roomMade: Called when a full queue is at most half full again.
    func next(roomMade: () -> Void) async -> Message? {
        while !Task.isCancelled {
            let (message, hasRoom) = self.state.withLock { state in
                let next = state.queue.popFirst()
                state.bytes -= next?.bytes ?? 0
                let hasRoom = state.isFull && state.bytes <= self.limit / 2
                if hasRoom { state.isFull = false }
                return (next?.message, hasRoom)
            }
            if hasRoom { roomMade() }
            if let message { return message }
            await self.waitForMessage()
        }
        return nil
    }

    private func waitForMessage() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = self.state.withLock { state in
                    guard state.queue.isEmpty, !Task.isCancelled else { return false }
                    state.consumer = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            let consumer = self.state.withLock { state in
                defer { state.consumer = nil }
                return state.consumer
            }
            consumer?.resume()
        }
    }
}

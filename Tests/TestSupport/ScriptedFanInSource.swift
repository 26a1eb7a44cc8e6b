// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A channel on which external publishers send to all current listeners, like a Redis channel. Messages sent while
/// nobody listens are lost.
package final class ScriptedFanInSource: FanInSource {
    private struct State: Sendable {
        var listeners: [Int: AsyncStream<FanInMessage>.Continuation] = [:]
        var lastListener = 0
        var received = 0
    }

    private let state = Watched(State())

    package init() {}

    /// Messages that listeners are through with, all together.
    package var received: Int {
        self.state.value.received
    }

    /// Returns once somebody listens, or nobody does.
    package func wait(forListeners count: Int) async throws {
        try await self.state.wait(for: "\(count) listeners") { $0.listeners.count == count }
    }

    /// Returns once listeners are through with so many messages in all.
    package func wait(forReceived count: Int) async throws {
        try await self.state.wait(for: "\(count) messages received") { $0.received >= count }
    }

    /// Sends to everyone who listens.
    package func send(_ channel: String, _ payload: String) {
        self.send(FanInMessage(channel: channel, payload: Array(payload.utf8)))
    }

    /// Sends to everyone who listens.
    package func send(_ message: FanInMessage) {
        for listener in self.state.value.listeners.values {
            listener.yield(message)
        }
    }

    package func run(_ receive: @Sendable (FanInMessage) async -> Void) async {
        let (messages, continuation) = AsyncStream.makeStream(of: FanInMessage.self)
        let id = self.state.change { state in
            state.lastListener += 1
            state.listeners[state.lastListener] = continuation
            return state.lastListener
        }
        for await message in messages {
            await receive(message)
            self.state.change { $0.received += 1 }
        }
        _ = self.state.change { $0.listeners.removeValue(forKey: id) != nil }
    }
}

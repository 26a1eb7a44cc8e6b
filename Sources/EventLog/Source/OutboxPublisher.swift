// SPDX-License-Identifier: Apache-2.0

package import Logging

/// Sends the messages of one source's outbox on, in order, and again when somebody has missed some.
///
/// What is sent may be lost, and nobody says so. So each message has a number, who receives takes them only in order
/// and asks for what comes after the last one it has, and the last message is sent again now and then: a loss is found
/// out by the next message, whatever it is.
package actor OutboxPublisher {
    package struct Limits: Sendable {
        /// Between two looks for new messages.
        package var poll: Duration = .milliseconds(100)
        /// After which the last message is sent again when there is no new one.
        package var reminder: Duration = .seconds(2)
        /// Messages read at once.
        package var page = 500

        package init() {}
    }

    /// Sends a message; false when it cannot be sent now.
    package typealias Send = @Sendable (_ message: [UInt8]) async -> Bool

    private let source: String
    private let outbox: OutboxSink
    private let send: Send
    private let isFresh: @Sendable () -> Bool
    private let limits: Limits
    private let logger: Logger
    /// The number of the last message that was sent; nil before the first.
    private var sent: Int?

    /// - Parameter isFresh: While this is false nothing is sent twice, so that the source falls silent and those who
    ///   listen find it stale.
    package init(
        source: String,
        outbox: OutboxSink,
        limits: Limits = Limits(),
        logger: Logger,
        isFresh: @escaping @Sendable () -> Bool = { true },
        send: @escaping Send
    ) {
        self.source = source
        self.outbox = outbox
        self.send = send
        self.limits = limits
        self.isFresh = isFresh
        self.logger = logger
    }

    /// Somebody has all messages up to one, and lacks the next.
    package func asked(after seq: Int) {
        guard seq >= 0, seq < self.sent ?? 0 else { return }
        self.sent = seq
        self.logger.info("messages are sent again", metadata: ["source": "\(self.source)", "after": "\(seq)"])
    }

    /// Sends until the task is cancelled.
    package func run() async {
        var quiet = ContinuousClock.now
        while !Task.isCancelled {
            do throws(TapeFault) {
                if try await self.sendNext() {
                    quiet = .now
                } else if self.isFresh(), ContinuousClock.now - quiet >= self.limits.reminder {
                    quiet = .now
                    // The last one once more.
                    if let sent, sent > 0 { self.sent = sent - 1 }
                } else {
                    try? await Task.sleep(for: self.limits.poll)
                }
            } catch {
                self.logger.warning("the outbox cannot be read", metadata: ["fault": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// - Returns: Whether there was anything to send and it could be sent.
    private func sendNext() async throws(TapeFault) -> Bool {
        // Whoever listens has the others already, or asks for them.
        if self.sent == nil { self.sent = max(0, try await self.outbox.head(of: self.source) - 1) }
        guard let start = self.sent else { return false }
        let messages = try await self.outbox.messages(of: self.source, after: start, limit: self.limits.page)
        guard self.sent == start else { return true }
        var last = start
        for message in messages {
            // A number that is left out is of a message that is not kept any more: nothing before this one can be had.
            let isFirst = message.seq != last + 1
            guard await self.send(isFirst ? message.payloadAsFirst : message.payload) else {
                try? await Task.sleep(for: self.limits.poll)
                return false
            }
            // Somebody has asked meanwhile.
            guard self.sent == last else { return true }
            last = message.seq
            self.sent = last
        }
        return !messages.isEmpty
    }
}

extension OutboxSink.Message {
    /// With a word that what comes before cannot be had.
    fileprivate var payloadAsFirst: [UInt8] {
        var payload = self.payload
        payload.removeLast()
        payload.append(contentsOf: ",\"sourceFirst\":true}".utf8)
        return payload
    }
}

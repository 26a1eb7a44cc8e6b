// SPDX-License-Identifier: Apache-2.0

package import Logging

/// Publishes the messages of one source's outbox in order, and again when a receiver has missed some.
///
/// Messages can be lost without notice. Therefore each message has a number, receivers accept messages only in order
/// and request what follows the last one they have, and the last message is repeated periodically: the next message,
/// whatever it is, reveals a loss.
package actor OutboxPublisher {
    package struct Limits: Sendable {
        /// Interval between two checks for new messages.
        package var poll: Duration = .milliseconds(100)
        /// Interval after which the last message is repeated if there is no new one.
        package var reminder: Duration = .seconds(2)
        /// Maximum number of messages per read.
        package var page = 500

        package init() {}
    }

    /// Sends a message; returns false if it cannot be sent at the moment.
    package typealias Send = @Sendable (_ message: [UInt8]) async -> Bool

    private let source: String
    private let outbox: OutboxSink
    private let send: Send
    private let isFresh: @Sendable () -> Bool
    private let limits: Limits
    private let logger: Logger
    /// The number of the last message sent; nil before the first.
    private var sent: Int?

    /// - Parameter isFresh: While this returns false, nothing is repeated, so that the source becomes silent and
    ///   receivers consider it stale.
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

    /// A receiver has all messages up to a number and needs the next ones.
    package func asked(after seq: Int) {
        guard seq >= 0, seq < self.sent ?? 0 else { return }
        self.sent = seq
        self.logger.info("resending messages", metadata: ["source": "\(self.source)", "after": "\(seq)"])
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
                    // Repeat the last message.
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

    /// - Returns: Whether there was something to send and it was sent.
    private func sendNext() async throws(TapeFault) -> Bool {
        // Receivers already have the earlier messages, or request them.
        if self.sent == nil { self.sent = max(0, try await self.outbox.head(of: self.source) - 1) }
        guard let start = self.sent else { return false }
        let messages = try await self.outbox.messages(of: self.source, after: start, limit: self.limits.page)
        guard self.sent == start else { return true }
        var last = start
        for message in messages {
            // A missing number belongs to a message that is no longer stored: no message before this one is available.
            let isFirst = message.seq != last + 1
            guard await self.send(isFirst ? message.payloadAsFirst : message.payload) else {
                try? await Task.sleep(for: self.limits.poll)
                return false
            }
            // A receiver has requested messages in the meantime.
            guard self.sent == last else { return true }
            last = message.seq
            self.sent = last
        }
        return !messages.isEmpty
    }
}

extension OutboxSink.Message {
    /// The payload, marked to say that earlier messages are no longer available.
    fileprivate var payloadAsFirst: [UInt8] {
        var payload = self.payload
        payload.removeLast()
        payload.append(contentsOf: ",\"sourceFirst\":true}".utf8)
        return payload
    }
}

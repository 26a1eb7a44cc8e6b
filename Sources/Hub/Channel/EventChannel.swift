// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import NIOCore

/// One channel that somebody looks at.
///
/// All channels share the executor of the ``TapeWriter``: the order of the log is one order, and whoever publishes is
/// in it already, so entering a channel costs no hop. Readers on other loops use ``tail``.
package actor EventChannel {
    package nonisolated let name: ChannelName
    package nonisolated let type: EventType
    package nonisolated let tail: Tail
    package nonisolated let encoder: FrameEncoder
    private let loop: any EventLoop

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe self.loop.executor.asUnownedSerialExecutor()
    }

    package init(name: ChannelName, type: EventType, framing: Framing, budget: RingBudget, loop: any EventLoop) {
        self.name = name
        self.type = type
        self.tail = Tail(budget: budget)
        self.encoder = FrameEncoder(channel: name, framing: framing, budget: budget)
        self.loop = loop
    }

    /// Events of this channel were committed: ascending, without a gap among them.
    /// - Returns: What the loops with subscribers are to be told; nil when there is nothing new or nobody to tell.
    package func publish(_ entries: some Collection<TapeEntry>) -> Publication? {
        guard let run = self.encoder.run(entries), let loops = self.tail.publish(run, entries: entries),
            !loops.isEmpty
        else { return nil }
        return Publication(channel: self, run: run, loops: loops)
    }

    /// Another node has told of events of this channel.
    /// - Returns: What the loops with subscribers are to be told, if anything, and whether the log has to be asked.
    package func hear(_ entries: some Collection<TapeEntry>) -> (publication: Publication?, isUnproven: Bool) {
        // It becomes part of frames as it is.
        guard entries.allSatisfy(\.hasCompactObject) else { return (nil, true) }
        guard let run = self.encoder.run(entries) else { return (nil, false) }
        switch self.tail.hear(run, entries: entries) {
        case .news(let loops):
            return (loops.isEmpty ? nil : Publication(channel: self, run: run, loops: loops), false)
        case .known:
            return (nil, false)
        case .unproven:
            return (nil, true)
        }
    }

    /// The tape has events up to a number that nobody told of.
    /// - Returns: The loops with subscribers; nil when there is nothing new.
    package func learned(head: Int) -> [Int]? {
        self.tail.learned(head: head)
    }
}

/// New events of a channel, on their way to its subscribers.
package struct Publication: Sendable {
    package let channel: EventChannel
    package let run: FrameRun
    /// The loops with subscribers.
    package let loops: [Int]
}

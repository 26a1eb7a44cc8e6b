// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a subscriber reports of one event type.
public enum TypedUpdate<Content: EventContent>: Sendable, Equatable {
    /// The present state, at the beginning of a subscription or after a gap.
    case snapshot(Content, Event)
    /// What happened.
    case event(Content, Event)
    /// Events are missing, and are no longer available.
    case gap(Gap)

    /// The content of a snapshot or an event.
    public var content: Content? {
        switch self {
        case .snapshot(let content, _), .event(let content, _): content
        case .gap: nil
        }
    }
}

/// The updates of one event type, read into fields.
///
///     for try await update in updates.of(RateChange.self) {
///         if let change = update.content { show(change.pair, change.rate) }
///     }
///
/// Everything else that the subscriber reports is skipped: a subscriber of several types is better read with one
/// loop over ``Updates`` and ``Event/content(as:)``.
public struct TypedUpdates<Content: EventContent>: AsyncSequence, Sendable {
    /// Skips other types.
    public struct Iterator: AsyncIteratorProtocol {
        private var updates: Updates.Iterator

        init(_ updates: Updates) {
            self.updates = updates.makeAsyncIterator()
        }

        /// The next update of the type; nil at the end.
        /// - Throws: ``EventData/Unreadable`` for data that is not what the type says.
        public mutating func next() async throws -> TypedUpdate<Content>? {
            while let update = await self.updates.next() {
                switch update {
                case .event(let event) where event.type == Content.type:
                    return .event(try event.content(as: Content.self), event)
                case .snapshot(let event) where event.type == Content.type:
                    return .snapshot(try event.content(as: Content.self), event)
                case .gap(let gap) where gap.channel.rest(after: Content.type + ":") != nil:
                    return .gap(gap)
                case .connected, .authenticated, .subscribed, .snapshot, .event, .caughtUp, .gap, .refused, .behind,
                    .paused, .stale, .notice, .disconnected:
                    continue
                }
            }
            return nil
        }
    }

    private let updates: Updates

    init(_ updates: Updates) {
        self.updates = updates
    }

    /// Begins an iteration.
    public func makeAsyncIterator() -> Iterator {
        Iterator(self.updates)
    }
}

extension Updates {
    /// The updates of one event type, read into fields.
    public func of<Content: EventContent>(_ content: Content.Type) -> TypedUpdates<Content> {
        TypedUpdates(self)
    }
}

extension Event {
    /// The data, read into the fields of its type.
    public func content<Content: EventContent>(as type: Content.Type) throws(EventData.Unreadable) -> Content {
        try Content(EventData(self))
    }
}

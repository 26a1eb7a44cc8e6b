// SPDX-License-Identifier: Apache-2.0

/// What a subscriber reports, in order.
///
/// Ends when the subscriber stops or is cancelled.
///
/// For one iteration at a time: each update is returned once. While they are not consumed, the subscriber stops reading
/// from the hub.
public struct Updates: AsyncSequence, Sendable {
    /// Consumes updates in the batches in which they were queued.
    public struct Iterator: AsyncIteratorProtocol {
        private let subscriber: Subscriber
        private var batch: ArraySlice<Update> = []

        init(_ subscriber: Subscriber) {
            self.subscriber = subscriber
        }

        /// The next update; nil at the end.
        public mutating func next() async -> Update? {
            if let update = self.batch.popFirst() { return update }
            self.batch = await self.subscriber.take()[...]
            return self.batch.popFirst()
        }
    }

    private let subscriber: Subscriber

    init(_ subscriber: Subscriber) {
        self.subscriber = subscriber
    }

    /// Begins an iteration.
    public func makeAsyncIterator() -> Iterator {
        Iterator(self.subscriber)
    }
}

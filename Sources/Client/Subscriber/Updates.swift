// SPDX-License-Identifier: Apache-2.0

/// What a subscriber tells, in order.
///
/// Ends when the subscriber gives up or is cancelled.
///
/// For one iteration at a time: updates are handed out once. While they are not taken, the subscriber stops reading
/// from the hub.
public struct Updates: AsyncSequence, Sendable {
    /// Takes updates in the batches in which they have gathered.
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

// SPDX-License-Identifier: Apache-2.0

import JSON

/// What the application wants while it runs.
extension Subscriber {
    /// Follows one more channel; does nothing for a channel that is followed already.
    public func subscribe(_ subscription: Subscription) {
        if self.options.cursors == nil {
            self.perform(self.machine.subscribe(subscription))
        } else {
            self.awaitingCursors.append(subscription)
            self.wake()
        }
    }

    /// Stops following a channel, named as it was requested or in full.
    public func unsubscribe(_ channel: String) {
        self.awaitingCursors.removeAll { $0.channel.hasSameBytes(as: channel) }
        self.perform(self.machine.unsubscribe(channel))
    }

    /// Reconnects at once.
    public func reconnect() {
        guard self.ending == nil else { return }
        self.perform(self.machine.reconnect(at: self.moment))
    }

    /// Sets whether there is a network, as far as the application knows: without one there is no attempt.
    public func networkChanged(isAvailable: Bool) {
        let moment = self.moment
        self.perform(isAvailable ? self.machine.online(at: moment) : self.machine.offline(at: moment))
    }

    /// The application is in the foreground again: the hub is pinged at once, and a wait ends soon.
    public func becameActive() {
        self.perform(self.machine.woke(at: self.moment))
    }

    // MARK: - Cursors

    /// The subscriptions whose cursors can be loaded by now.
    ///
    /// Which channel is the user's own, and so its cursor, is known once the hub knows the user.
    func takeAwaitingCursors() -> [Subscription] {
        guard !self.awaitingCursors.isEmpty else { return [] }
        let isUserKnown = self.user != nil || !self.hasToken
        let ready = self.awaitingCursors.filter {
            isUserKnown || $0.channel.split(atFirst: ":") != nil || $0.start.isPosition
        }
        self.awaitingCursors.removeAll { ready.contains($0) }
        return ready
    }

    /// Follows channels from their stored cursors.
    func loadCursors(of subscriptions: [Subscription]) async {
        for subscription in subscriptions {
            var wanted = subscription
            if let cursor = await self.cursor(of: subscription) {
                wanted.start = .after(cursor.seq, epoch: cursor.epoch)
            }
            self.perform(self.machine.subscribe(wanted))
        }
    }

    private func cursor(of subscription: Subscription) async -> Position? {
        guard !subscription.start.isPosition, let store = self.options.cursors else { return nil }
        var name = subscription.channel
        if name.split(atFirst: ":") == nil {
            guard let user = self.user else { return nil }
            name += ":" + user
        }
        do {
            return try await store.load(name)
        } catch {
            self.push(.notice(code: "cursor_not_loaded", message: "\(name): \(error)"))
            return nil
        }
    }

    /// The consumer has handled what it received.
    func handled(_ positions: [Position]) {
        for position in positions { self.perform(self.machine.handled(position)) }
    }

    func saveCursors(_ positions: [Position]) async {
        guard let store = self.options.cursors else { return }
        for position in positions {
            do {
                try await store.save(position)
            } catch {
                self.push(.notice(code: "cursor_not_saved", message: "\(position.channel): \(error)"))
            }
        }
    }
}

extension Subscription.Start {
    fileprivate var isPosition: Bool {
        if case .after = self { true } else { false }
    }
}

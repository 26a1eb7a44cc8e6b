// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A channel on one event loop: a copy of its state, and the loop's subscriptions. Owned by a ``SessionShard``.
package final class LocalChannel {
    package let name: ChannelName
    package let type: EventType
    /// The channel that is followed; nil until its state has been received.
    private(set) var channel: EventChannel?
    package internal(set) var state = ChannelState()
    var subscriptions: ContiguousArray<Subscription> = []
    /// Number of sessions that wait for the state or are about to use it.
    var waiting = 0

    package init(name: ChannelName, type: EventType) {
        self.name = name
        self.type = type
    }

    var isUnused: Bool {
        self.subscriptions.isEmpty && self.waiting == 0
    }

    /// Copies the state, unless the loop already follows the channel.
    package func adopt(_ state: ChannelState, of channel: EventChannel) {
        guard self.channel == nil else { return }
        self.channel = channel
        self.state = state
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A channel as one event loop has it: a copy of its state, and the loop's subscriptions. Owned by a ``SessionShard``.
package final class LocalChannel {
    package let name: ChannelName
    package let type: EventType
    /// The channel that is followed; nil until it has handed over its state.
    private(set) var channel: EventChannel?
    package internal(set) var state = ChannelState()
    var subscriptions: ContiguousArray<Subscription> = []
    /// Sessions that wait for the state, or are about to use it.
    var waiting = 0

    package init(name: ChannelName, type: EventType) {
        self.name = name
        self.type = type
    }

    var isUnused: Bool {
        self.subscriptions.isEmpty && self.waiting == 0
    }

    /// Takes the state over, unless the loop follows already.
    package func adopt(_ state: ChannelState, of channel: EventChannel) {
        guard self.channel == nil else { return }
        self.channel = channel
        self.state = state
    }
}

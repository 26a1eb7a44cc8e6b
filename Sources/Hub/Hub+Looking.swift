// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// What operators can inspect and change on this node.
extension Hub {
    /// Sessions of all loops, ascending by id.
    package func sessions(_ query: SessionQuery) async -> [SessionReport] {
        var found: [SessionReport] = []
        for shard in self.shards { found += await shard.sessions(query) }
        return Array(found.sorted { $0.id.precedes($1.id) }.prefix(query.limit))
    }

    /// A session and its subscriptions, ascending by channel; nil if this node has no session with this id.
    package func session(
        _ id: String
    ) async -> (report: SessionReport, subscriptions: [SubscriptionReport])? {
        for shard in self.shards {
            if let found = await shard.session(id) { return found }
        }
        return nil
    }

    /// Whether this node has a session with this id.
    package func hasSession(_ id: String) async -> Bool {
        for shard in self.shards where await shard.has(id) { return true }
        return false
    }

    /// Closes a session with code 4010; the client may reconnect immediately.
    /// - Returns: False if this node has no session with this id.
    package func disconnect(_ id: String) async -> Bool {
        for shard in self.shards where await shard.disconnect(id) { return true }
        return false
    }

    /// The number of sessions of this node subscribed to each channel; channels without subscribers are omitted.
    package func subscribers(of channels: [ChannelName]) async -> [ChannelName: Int] {
        var counts: [ChannelName: Int] = [:]
        for shard in self.shards { counts.merge(await shard.subscribers(of: channels), uniquingKeysWith: +) }
        return counts
    }

    /// Records a rejected token in the recent errors.
    package func refused(_ fault: TokenFault) {
        let (code, message) = fault.summary
        self.recentErrors.note(.refused, code.rawValue, message)
    }
}

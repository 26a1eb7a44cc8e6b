// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A session as an operator sees it.
package struct SessionReport: Sendable, Equatable {
    package var id: String
    /// Nil for one that has not authenticated.
    package var user: String?
    package var opened: Timestamp
    /// When its token ends, where it does.
    package var expires: Timestamp?
    package var subscriptions: Int
    /// Subscriptions that read on instead of being live.
    package var behind: Int
    /// Whether its connection takes bytes at present.
    package var isWritable: Bool
}

/// A session's place on one channel.
package struct SubscriptionReport: Sendable, Equatable {
    package var channel: ChannelName
    /// The last number that was written to it.
    package var seq: Int
    package var head: Int
    package var phase: Cursor.Phase
}

/// Which sessions are wanted.
package struct SessionQuery: Sendable, Equatable {
    /// Nil for all.
    package var user: String?
    /// Only those with subscriptions that are behind.
    package var isBehind = false
    /// Those with greater ids; empty begins with the smallest.
    package var after = ""
    package var limit: Int

    package init(user: String? = nil, isBehind: Bool = false, after: String = "", limit: Int) {
        self.user = user
        self.isBehind = isBehind
        self.after = after
        self.limit = limit
    }
}

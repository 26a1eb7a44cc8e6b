// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A session, as reported to operators.
package struct SessionReport: Sendable, Equatable {
    package var id: String
    /// Nil if the session has not authenticated.
    package var user: String?
    package var opened: Timestamp
    /// When the token expires; nil if it does not.
    package var expires: Timestamp?
    package var subscriptions: Int
    /// Number of subscriptions that are not live.
    package var behind: Int
    /// Whether the connection currently accepts bytes.
    package var isWritable: Bool
}

/// A session's position in one channel.
package struct SubscriptionReport: Sendable, Equatable {
    package var channel: ChannelName
    /// The last number written to the connection.
    package var seq: Int
    package var head: Int
    package var phase: Cursor.Phase
}

/// A filter for sessions.
package struct SessionQuery: Sendable, Equatable {
    /// Nil for all.
    package var user: String?
    /// Only sessions with subscriptions that are behind.
    package var isBehind = false
    /// Only sessions with greater ids; empty for the first page.
    package var after = ""
    package var limit: Int

    package init(user: String? = nil, isBehind: Bool = false, after: String = "", limit: Int) {
        self.user = user
        self.isBehind = isBehind
        self.after = after
        self.limit = limit
    }
}

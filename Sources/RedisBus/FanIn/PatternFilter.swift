// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Keeps one of the copies that Redis delivers when several patterns match a channel: that of the first pattern.
struct PatternFilter: Sendable {
    private let patterns: [ChannelPattern]

    init(_ patterns: [String]) {
        self.patterns = patterns.map { ChannelPattern($0) }
    }

    /// Whether no earlier pattern than `pattern` matches the channel.
    func isFirst(_ pattern: [UInt8]?, for channel: [UInt8]) -> Bool {
        for candidate in self.patterns {
            if candidate.bytes == pattern { return true }
            if candidate.matches(channel) { return false }
        }
        // None of ours: Redis was right about a subscription that we do not know.
        return true
    }
}

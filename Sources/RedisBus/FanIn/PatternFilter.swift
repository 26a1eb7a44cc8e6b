// SPDX-License-Identifier: Apache-2.0

import EventLog

/// Removes duplicates that Redis delivers if several patterns match a channel: keeps that of the first pattern.
struct PatternFilter: Sendable {
    private let patterns: [ChannelPattern]

    init(_ patterns: [String]) {
        self.patterns = patterns.map { ChannelPattern($0) }
    }

    /// Whether no pattern before `pattern` matches the channel.
    func isFirst(_ pattern: [UInt8]?, for channel: [UInt8]) -> Bool {
        for candidate in self.patterns {
            if candidate.bytes == pattern { return true }
            if candidate.matches(channel) { return false }
        }
        // Not one of the known patterns; Redis has matched it, so it is accepted.
        return true
    }
}

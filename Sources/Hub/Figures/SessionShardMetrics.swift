// SPDX-License-Identifier: Apache-2.0

/// Counters and histograms of one event loop since the process started.
package struct SessionShardMetrics: Sendable {
    /// Sessions started.
    package var sessions = 0
    /// Sessions ended, by close code; see ``close(_:)``.
    package var closes: [UInt16: Int] = [:]
    /// Time between a commit and the flush of its frames to the loop's connections.
    package var commitToSend = Histogram(.latency)
    /// Event-loop lag: how late scheduled work ran.
    package var lag = Histogram(.latency)
    /// How often a subscription fell behind.
    package var fallsBehind = 0
    /// How often a subscription fell behind because of a gap in the sequence numbers of two publications.
    package var gaps = 0
    /// Catch-up pages served from memory.
    package var ringPages = 0

    package init() {}

    /// Used for all codes that are neither standard nor the hub's own, since a peer can send any code.
    package static let otherCode: UInt16 = 0
    /// The connection ended without a close frame.
    package static let noCode: UInt16 = 1006

    private static let standardCodes: ClosedRange<UInt16> = 1000...1015
    /// The codes of ``CloseReason``, with room for future ones. A peer that closes with one of them is counted as well.
    private static let ownCodes: [ClosedRange<UInt16>] = [4000...4013, 4500...4510]

    /// Counts a session that ended with this code, whichever side closed it.
    mutating func close(_ code: UInt16) {
        let isKnown = Self.standardCodes.contains(code) || Self.ownCodes.contains { $0.contains(code) }
        self.closes[isKnown ? code : Self.otherCode, default: 0] += 1
    }

    /// Adds the counts of another loop.
    package mutating func add(_ other: SessionShardMetrics) {
        self.sessions += other.sessions
        self.closes.merge(other.closes, uniquingKeysWith: +)
        self.commitToSend.add(other.commitToSend)
        self.lag.add(other.lag)
        self.fallsBehind += other.fallsBehind
        self.gaps += other.gaps
        self.ringPages += other.ringPages
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What one loop has counted since the start.
package struct RosterFigures: Sendable {
    /// Sessions begun.
    package var sessions = 0
    /// Sessions ended, by the code of the close; see ``close(_:)``.
    package var closes: [UInt16: Int] = [:]
    /// Between a commit and the flush of its frames to the loop's connections.
    package var commitToSend = Histogram(.latency)
    /// By how much the loop came late to what was due.
    package var lag = Histogram(.latency)
    /// Times that a subscription fell behind.
    package var fallsBehind = 0
    /// Of those, times that numbers were missing between two publications.
    package var gaps = 0
    /// Pages of catching up that came from memory.
    package var ringPages = 0

    package init() {}

    /// Stands for every code that a peer may have made up.
    package static let otherCode: UInt16 = 0
    /// The connection ended without a close.
    package static let noCode: UInt16 = 1006

    private static let standardCodes: ClosedRange<UInt16> = 1000...1015
    /// Those that ``CloseReason`` has, and room for what becomes of it; a peer that closes with one of them counts too.
    private static let ownCodes: [ClosedRange<UInt16>] = [4000...4013, 4500...4510]

    /// A session ended with this code, whoever closed.
    mutating func close(_ code: UInt16) {
        let isKnown = Self.standardCodes.contains(code) || Self.ownCodes.contains { $0.contains(code) }
        self.closes[isKnown ? code : Self.otherCode, default: 0] += 1
    }

    /// Adds what another loop has counted.
    package mutating func add(_ other: RosterFigures) {
        self.sessions += other.sessions
        self.closes.merge(other.closes, uniquingKeysWith: +)
        self.commitToSend.add(other.commitToSend)
        self.lag.add(other.lag)
        self.fallsBehind += other.fallsBehind
        self.gaps += other.gaps
        self.ringPages += other.ringPages
    }
}

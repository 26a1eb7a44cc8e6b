// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Whether the tape takes and gives events, as far as the last attempts tell.
package struct TapeHealth: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case well
        /// Events cannot be committed now; it may end by itself.
        case unavailable
        /// Events cannot be committed before somebody has seen to it.
        case damaged
    }

    /// How long a failed commit stands against reads that succeed: a tape can be read while its disk is full.
    package static let failureMemory = TimeAmount.seconds(5)
    /// Probes that have to fail one after the other to count, unless the tape is damaged.
    package static let failuresToPause = 2
    /// How long a probe may take.
    package static let probeLimit = TimeAmount.seconds(5)

    package private(set) var state = State.well
    private var lastFailure: NIODeadline?
    private var failedProbes = 0
    private var probeBegan: NIODeadline?

    package init() {}

    /// Events cannot be committed now.
    package var isPaused: Bool { self.state != .well }

    /// Events were committed.
    package mutating func committed() {
        self.state = .well
        self.lastFailure = nil
        self.failedProbes = 0
    }

    /// Events could not be committed.
    package mutating func commitFailed(isDamaged: Bool = false, at now: NIODeadline) {
        self.state = isDamaged ? .damaged : .unavailable
        self.lastFailure = now
    }

    /// A cheap read was begun.
    package mutating func probing(at now: NIODeadline) {
        self.probeBegan = now
    }

    /// The cheap read has ended.
    package mutating func probed(succeeded: Bool, isDamaged: Bool = false, at now: NIODeadline) {
        self.probeBegan = nil
        if succeeded {
            self.failedProbes = 0
            if let lastFailure, now - lastFailure < Self.failureMemory { return }
            self.state = .well
            self.lastFailure = nil
        } else {
            self.failedProbes = min(self.failedProbes + 1, Self.failuresToPause)
            if isDamaged {
                self.state = .damaged
            } else if self.failedProbes >= Self.failuresToPause {
                self.state = .unavailable
            }
        }
    }

    /// Time has passed: a probe that gets no answer counts like one that failed.
    package mutating func checked(at now: NIODeadline) {
        if !self.isPaused, !self.isWell(at: now) { self.state = .unavailable }
    }

    /// Whether events can be committed and read.
    package func isWell(at now: NIODeadline) -> Bool {
        !self.isPaused && self.probeBegan.map { now - $0 < Self.probeLimit } ?? true
    }
}

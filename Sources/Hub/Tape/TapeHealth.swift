// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Whether the tape can be written and read, judging by recent operations.
package struct TapeHealth: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case well
        /// Events cannot be committed at the moment; this may resolve itself.
        case unavailable
        /// Events cannot be committed until an operator acts.
        case damaged
    }

    /// How long a failed commit outweighs successful reads: a tape can be readable while its disk is full.
    package static let failureMemory = TimeAmount.seconds(5)
    /// Number of consecutive failed probes that count as an outage, unless the tape is damaged.
    package static let failuresToPause = 2
    /// Timeout of a probe.
    package static let probeLimit = TimeAmount.seconds(5)

    package private(set) var state = State.well
    private var lastFailure: NIODeadline?
    private var failedProbes = 0
    private var probeBegan: NIODeadline?

    package init() {}

    /// Events cannot be committed at the moment.
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

    /// A probe has started.
    package mutating func probing(at now: NIODeadline) {
        self.probeBegan = now
    }

    /// A probe has ended.
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

    /// Updates the state to the current time: a probe without an answer counts as failed.
    package mutating func checked(at now: NIODeadline) {
        if !self.isPaused, !self.isWell(at: now) { self.state = .unavailable }
    }

    /// Whether events can be committed and read.
    package func isWell(at now: NIODeadline) -> Bool {
        !self.isPaused && self.probeBegan.map { now - $0 < Self.probeLimit } ?? true
    }
}

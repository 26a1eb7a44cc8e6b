// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import JSON
import Synchronization
import TestSupport

/// A sink in memory that keeps all events and crashes at commits on request.
final class RecordingSink: SourceSink {
    enum Crash: Sendable, CaseIterable {
        /// Nothing is committed.
        case before
        /// The commit succeeds, but the caller gets an error.
        case after
    }

    struct State: Sendable {
        var version = 0
        var entries: [String: [UInt8]] = [:]
        var events: [SourceEvent] = []
        var deadLetters: [DeadLetter] = []
        var commits = 0
        /// Of 100 commits.
        var crashes = 0
        var nextCrash: Crash?
        /// Dies once, when there have been so many commits.
        var crashAt: (commits: Int, crash: Crash)?
        var random = SplitMix(seed: 1)
        /// Set by the last commit: the follower must be replaced, as after a crash.
        var hasCrashed = false
    }

    let state = Watched(State())

    func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState {
        let state = self.state.value
        return SourceState(
            version: state.version,
            entries: state.entries.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map {
                SourceEntry(name: $0.key, value: $0.value)
            }
        )
    }

    func commit(_ events: [SourceEvent], _ step: SourceStep) async throws(SinkFault) {
        let result: Result<Void, SinkFault> = self.state.change { state in
            var crash = state.nextCrash
            state.nextCrash = nil
            if let crashAt = state.crashAt, crashAt.commits == state.commits {
                crash = crashAt.crash
                state.crashAt = nil
            }
            if crash == nil, Int.random(in: 0..<100, using: &state.random) < state.crashes {
                crash = Bool.random(using: &state.random) ? .before : .after
            }
            if crash == .before {
                state.hasCrashed = true
                return .failure(.unavailable("killed before the commit"))
            }
            guard state.version == step.version else { return .failure(.moved) }
            state.version += 1
            state.commits += 1
            for name in step.removals { state.entries[name] = nil }
            for entry in step.puts { state.entries[entry.name] = entry.value }
            state.events += events
            state.deadLetters += step.deadLetters
            if crash == .after {
                state.hasCrashed = true
                return .failure(.unavailable("killed after the commit"))
            }
            return .success(())
        }
        try result.get()
    }
}

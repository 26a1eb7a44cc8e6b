// SPDX-License-Identifier: Apache-2.0

import JSON
import Synchronization

extension MemoryTape: SourceStore {
    package func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState {
        self.sources.withLock { $0[ExactText(source)]?.state(prefix: prefix) ?? SourceState() }
    }

    package func entries(
        of source: String,
        prefix: String,
        after name: String,
        limit: Int
    ) async throws(TapeFault) -> [SourceEntry] {
        let state = self.sources.withLock { $0[ExactText(source)]?.state(prefix: prefix) }
        let later = (state?.entries ?? []).drop { !name.precedes($0.name) }
        return Array(later.prefix(max(0, limit)))
    }

    package func append(_ events: [Event], with step: SourceStep) async throws(TapeFault) -> StepOutcome {
        let now = self.now
        let outcome = try self.sources.withLock { sources throws(TapeFault) -> StepOutcome in
            let key = ExactText(step.source)
            var source = sources[key] ?? MemorySource()
            let isTaken = source.token == step.token
            guard isTaken || source.version == step.version else { return .moved }
            let outcomes = try self.append([events], now: now)
            switch outcomes.first {
            case .conflict(let items): return .conflict(items: items)
            case .refused(let refusal): throw .refused(refusal)
            case .committed(let receipts):
                if !isTaken { source.take(step) }
                sources[key] = source
                return .committed(receipts)
            case nil: return .committed([])
            }
        }
        if case .committed = outcome, !step.deadLetters.isEmpty { try await self.setAside(step.deadLetters) }
        return outcome
    }
}

/// The state of a source in memory.
struct MemorySource: Sendable {
    private(set) var version = 0
    private(set) var token = 0
    private var entries: [ExactText: [UInt8]] = [:]

    mutating func take(_ step: SourceStep) {
        self.version += 1
        self.token = step.token
        for name in step.removals { self.entries[ExactText(name)] = nil }
        for entry in step.puts { self.entries[ExactText(entry.name)] = entry.value }
    }

    func state(prefix: String) -> SourceState {
        let found = self.entries.filter { $0.key.text.utf8.starts(with: prefix.utf8) }
            .map { SourceEntry(name: $0.key.text, value: $0.value) }
        return SourceState(
            version: self.version,
            entries: found.sorted { $0.name.precedes($1.name) }
        )
    }
}

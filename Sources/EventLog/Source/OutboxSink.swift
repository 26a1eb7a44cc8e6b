// SPDX-License-Identifier: Apache-2.0

import JSON

/// Stores a source's events with sequence numbers until they have been published elsewhere, for a process without a
/// hub.
///
/// The events of a step are entries of the source like any other, so they are committed with the step. Entry names are
/// `out/` followed by the number in sixteen digits.
package actor OutboxSink: SourceSink {
    /// A message that is waiting, or has been sent and may be requested again.
    package struct Message: Sendable, Equatable {
        /// The `sourceSeq`, starting at 1.
        package var seq: Int
        /// An event as `POST /events` accepts it.
        package var payload: [UInt8]
    }

    /// Default number of messages kept for receivers that request them again.
    package static let kept = 1_000_000

    private static let prefix = "out/"
    /// Name of the entry with the number of the last message.
    private static let headName = "outbox"

    private let store: any SourceStore
    /// Commits the steps: through the tape's writer, or directly to the store in a process without a hub.
    private let append: @Sendable ([Event], SourceStep) async throws(TapeFault) -> StepOutcome
    /// Number of messages kept for receivers that request them again.
    private let kept: Int
    private var heads: [ExactText: Int] = [:]

    package init(store: any SourceStore, kept: Int) {
        self.store = store
        self.append = { events, step throws(TapeFault) in try await store.append(events, with: step) }
        self.kept = kept
    }

    /// The number of the last message of a source; 0 before the first.
    package func head(of source: String) async throws(TapeFault) -> Int {
        if let head = self.heads[ExactText(source)] { return head }
        let entries = try await self.store.entries(of: source, prefix: Self.headName, after: "", limit: 1)
        guard let head = entries.first.map({ Int(decimal: $0.value, in: .seq) }) ?? 0 else {
            throw .damaged("the number of the last message of \(source) is malformed")
        }
        self.heads[ExactText(source)] = head
        return head
    }

    /// The messages after a number, in order.
    package nonisolated func messages(of source: String, after seq: Int, limit: Int) async throws(TapeFault)
        -> [Message]
    {
        let entries = try await self.store.entries(
            of: source,
            prefix: Self.prefix,
            after: Self.name(seq),
            limit: limit
        )
        return entries.compactMap { entry in
            entry.name.rest(after: Self.prefix).flatMap { Int(decimal: $0.utf8, in: .seq) }
                .map { Message(seq: $0, payload: entry.value) }
        }
    }

    package nonisolated func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState {
        try await self.store.state(of: source, prefix: prefix)
    }

    package func commit(_ events: [SourceEvent], _ step: SourceStep) async throws(SinkFault) {
        var step = step
        do throws(TapeFault) {
            let head = try await self.head(of: step.source)
            for (index, event) in events.enumerated() {
                let seq = head + index + 1
                let payload = event.json(source: step.source, seq: seq)
                step.puts.append(SourceEntry(name: Self.name(seq), value: payload))
                if seq > self.kept { step.removals.append(Self.name(seq - self.kept)) }
            }
            let newHead = head + events.count
            step.puts.append(SourceEntry(name: Self.headName, value: Array(String(newHead).utf8)))
            // Until the outcome of the step is known, the head is read from the store.
            self.heads[ExactText(step.source)] = nil
            switch try await self.append([], step) {
            case .committed: self.heads[ExactText(step.source)] = newHead
            case .moved: throw TapeFault.damaged("moved")
            case .conflict: throw TapeFault.damaged("a step without events reported a conflict")
            case .refused(_, let refusal): throw TapeFault.refused(refusal)
            }
        } catch {
            if case .damaged("moved") = error { throw .moved }
            if case .refused(let refusal) = error { throw .refused(refusal.detail) }
            throw .unavailable("\(error)")
        }
    }

    private static func name(_ seq: Int) -> String {
        let digits = String(seq)
        return Self.prefix + String(repeating: "0", count: max(0, 16 - digits.count)) + digits
    }
}

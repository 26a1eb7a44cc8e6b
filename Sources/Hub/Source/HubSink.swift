// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// Appends a source's events to the tape of the hub in the same process, validated like those of any other publisher.
package struct HubSink: SourceSink {
    private let store: any SourceStore
    private let append: @Sendable ([Event], SourceStep) async throws(SinkFault) -> StepOutcome
    private let intake: EventValidator

    /// - Parameter limits: Limits for one event; a step may have any number of events.
    package init(store: any SourceStore, writer: TapeWriter, types: EventTypes, limits: EventValidator.Limits) {
        var limits = limits
        limits.events = 1
        self.store = store
        self.append = { events, step throws(SinkFault) in
            do throws(AppendFault) {
                return try await writer.append(events, with: step)
            } catch {
                throw .unavailable("\(error)")
            }
        }
        self.intake = EventValidator(types: types, limits: limits)
    }

    /// For a process with a tape but no hub; hubs that share the tape find the appended events by polling.
    package init(alone store: any SourceStore, types: EventTypes) {
        self.store = store
        self.append = { events, step throws(SinkFault) in
            do throws(TapeFault) {
                return try await store.append(events, with: step)
            } catch {
                throw .unavailable("\(error)")
            }
        }
        var limits = EventValidator.Limits()
        limits.events = 1
        self.intake = EventValidator(types: types, limits: limits)
    }

    package func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState {
        try await self.store.state(of: source, prefix: prefix)
    }

    package func commit(_ events: [SourceEvent], _ step: SourceStep) async throws(SinkFault) {
        var step = step
        var checked: [(event: Event, json: [UInt8])] = []
        checked.reserveCapacity(events.count)
        let publisher = Principal(subject: step.source, scopes: ["publish:*"], isInternal: true)
        let now = Timestamp.now
        for event in events {
            let json = event.json(source: step.source)
            do {
                let events = try self.intake.events(from: [try JSON.Value.parse(json)], publisher: publisher, now: now)
                checked += events.map { ($0, json) }
            } catch {
                let reason = (error as? IntakeFault)?.summary.message ?? "\(error)"
                step.letters.append(DeadLetter(received: now, channel: step.source, payload: json, reason: reason))
            }
        }
        while true {
            switch try await self.append(checked.map(\.event), step) {
            case .committed: return
            case .moved: throw .moved
            case .conflict(let items):
                throw .conflict(items.prefix(3).filter(checked.indices.contains).map { checked[$0].event.id })
            case .refused(let items, let refusal):
                // Events that can be stored do not wait for those that cannot.
                let culprits = Set(items).intersection(checked.indices)
                guard !culprits.isEmpty else { throw .refused(refusal.detail) }
                let reason = "the tape cannot store it: \(refusal.detail)"
                step.letters += culprits.sorted().map { index in
                    DeadLetter(received: now, channel: step.source, payload: checked[index].json, reason: reason)
                }
                checked = checked.indices.filter { !culprits.contains($0) }.map { checked[$0] }
            }
        }
    }
}

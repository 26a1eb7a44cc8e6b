// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Appends a source's events to the tape of the hub in the same process, validated like those of any other publisher.
package struct HubSink: SourceSink {
    private let store: any SourceStore
    private let validator: EventValidator
    private let append: @Sendable ([Event], SourceStep) async throws(SinkFault) -> StepOutcome

    package init(store: any SourceStore, publisher: Publisher) {
        self.store = store
        self.validator = publisher.validator
        self.append = { events, step throws(SinkFault) in
            do throws(AppendFault) {
                return try await publisher.append(events, with: step)
            } catch {
                throw .unavailable("\(error)")
            }
        }
    }

    /// For a process with a tape but no hub; hubs that share the tape find the appended events by polling.
    package init(alone store: any SourceStore, validator: EventValidator) {
        self.store = store
        self.validator = validator
        self.append = { events, step throws(SinkFault) in
            do throws(TapeFault) {
                return try await store.append(events, with: step)
            } catch {
                throw .unavailable("\(error)")
            }
        }
    }

    package func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState {
        try await self.store.state(of: source, prefix: prefix)
    }

    package func commit(_ events: [SourceEvent], _ step: SourceStep) async throws(SinkFault) {
        var step = step
        let now = Timestamp.now
        func setAside(_ event: SourceEvent, _ reason: String) {
            let payload = event.json(source: step.source)
            step.deadLetters.append(DeadLetter(received: now, channel: step.source, payload: payload, reason: reason))
        }
        var accepted: [(event: Event, original: SourceEvent)] = []
        accepted.reserveCapacity(events.count)
        for event in events {
            do throws(IntakeFault) {
                accepted.append((try self.validator.event(from: event, of: step.source, now: now), event))
            } catch {
                setAside(event, error.summary.message)
            }
        }
        while true {
            switch try await self.append(accepted.map(\.event), step) {
            case .committed: return
            case .moved: throw .moved
            case .conflict(let items):
                throw .conflict(items.prefix(3).filter(accepted.indices.contains).map { accepted[$0].event.id })
            case .refused(let items, let refusal):
                // Events that can be stored do not wait for those that cannot.
                let culprits = Set(items).intersection(accepted.indices)
                guard !culprits.isEmpty else { throw .refused(refusal.detail) }
                for index in culprits.sorted() {
                    setAside(accepted[index].original, "the tape cannot store it: \(refusal.detail)")
                }
                accepted = accepted.indices.filter { !culprits.contains($0) }.map { accepted[$0] }
            }
        }
    }
}

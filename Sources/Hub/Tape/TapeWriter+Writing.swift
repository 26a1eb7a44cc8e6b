// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging
import NIOCore

/// Appends a batch to the tape, publishes it to the subscribers and completes the requests.
extension TapeWriter {
    func write(_ batch: [Submission]) async {
        let requests = batch.flatMap(\.requests)
        let start = NIODeadline.now()
        let begin = Timestamp.now
        if let step = batch.first?.step {
            do throws(TapeFault) {
                let outcome = try await self.sources.append(requests[0], with: step.step)
                self.settle(outcome, of: step, requests[0], since: start)
            } catch {
                self.failed(requests, error, since: begin)
                batch[0].settle(.failure(.unavailable(error)))
            }
            return
        }
        let halves = await InHalves(requests) { part throws(TapeFault) in try await self.tape.append(part) }
        let outcomes = halves.results.map { result in
            switch result {
            case .success(let outcome): outcome
            case .failure(let refusal): AppendOutcome.refused(refusal)
            }
        }
        if !outcomes.isEmpty { self.appended(requests, outcomes, since: start, begin) }
        if let fault = halves.fault { self.failed(Array(requests.dropFirst(outcomes.count)), fault, since: begin) }
        var rest = outcomes[...]
        for submission in batch {
            if let fault = halves.fault, rest.count < submission.requests.count {
                // Also if the submission was committed in part, since it is not known which part.
                rest = []
                submission.settle(.failure(.unavailable(fault)))
            } else {
                submission.settle(.success(rest.prefix(submission.requests.count)))
                rest = rest.dropFirst(submission.requests.count)
            }
        }
    }

    private func appended(
        _ requests: [[Event]],
        _ outcomes: [AppendOutcome],
        since start: NIODeadline,
        _ begin: Timestamp
    ) {
        assert(outcomes.count <= requests.count, "a request has one outcome")
        self.count(outcomes)
        let end = NIODeadline.now()
        self.figures.committed(requests, outcomes, took: end - start, now: .now)
        var settled: [[Event]] = []
        for (events, outcome) in zip(requests, outcomes) {
            if case .refused(let refusal) = outcome {
                self.refused(events, refusal, since: begin)
            } else {
                settled.append(events)
            }
        }
        // A batch that contains only duplicates and rejections does not prove that the log is writable.
        if outcomes.contains(where: \.hasNews) { self.monitor.committed() }
        self.trace(settled, from: begin, failed: false)
        self.publish(self.commits(of: requests, outcomes), time: end)
    }

    private func publish(_ commits: [ChannelBatch], time: NIODeadline) {
        self.fanout.assumeIsolated { $0.publish(commits, time: time) }
    }

    private func failed(_ requests: [[Event]], _ fault: TapeFault, since begin: Timestamp) {
        self.counted.failures += requests.count
        self.figures.failed(requests)
        self.trace(requests, from: begin, failed: true)
        if let failures = self.failureLog.happened(at: .now) {
            self.logger.error("appends failed", metadata: ["fault": "\(fault)", "batches": "\(failures)"])
        }
        if case .outcomeUnknown = fault { self.monitor.markUncertain(requests.joined().lazy.flatMap(\.channels)) }
        self.monitor.commitFailed(fault)
    }

    /// The tape rejected a request because of its content.
    private func refused(_ events: [Event], _ refusal: ContentRefusal, since begin: Timestamp) {
        self.trace([events], from: begin, failed: true)
        guard let refusals = self.refusalLog.happened(at: .now) else { return }
        self.logger.error(
            "request rejected: the tape cannot store its content",
            metadata: [
                "fault": "\(refusal.detail)", "refusals": "\(refusals)", "events": "\(events.count)",
                "type": "\(events.first?.type ?? "")", "source": "\(events.first?.source ?? "")",
                "id": "\(events.first?.id ?? "")",
            ]
        )
    }

    private func trace(_ requests: [[Event]], from start: Timestamp, failed: Bool) {
        guard let tracing else { return }
        let contexts = Set(requests.joined().lazy.compactMap(\.trace))
        guard !contexts.isEmpty else { return }
        let events = requests.reduce(0) { $0 + $1.count }
        tracing.committed(contexts, events: events, from: start, to: .now, failed: failed)
    }

    private func settle(_ outcome: StepOutcome, of step: Step, _ events: [Event], since start: NIODeadline) {
        let end = NIODeadline.now()
        switch outcome {
        case .committed(let receipts):
            self.count([.committed(receipts)])
            self.figures.committed([events], [.committed(receipts)], took: end - start, now: .now)
            self.publish(self.commits(of: [events], [.committed(receipts)]), time: end)
        case .conflict(let items):
            self.count([.conflict(items: items)])
        case .refused(_, let refusal):
            self.count([.refused(refusal)])
            self.refused(events, refusal, since: .now)
            return step.settle(outcome)
        case .moved:
            break
        }
        self.monitor.committed()
        step.settle(outcome)
    }

    private func count(_ outcomes: [AppendOutcome]) {
        self.counted.batches += 1
        for outcome in outcomes {
            switch outcome {
            case .conflict:
                self.counted.conflicts += 1
            case .refused:
                self.counted.unfit += 1
            case .committed(let receipts):
                let accepted = receipts.count { $0.status == .accepted }
                self.counted.accepted += accepted
                self.counted.duplicates += receipts.count - accepted
            }
        }
    }

    private func isNews(_ position: Position) -> Bool {
        self.fanout.assumeIsolated { $0.isNews(position) }
    }

    /// The events to publish: the accepted events, and duplicates that have not been published yet because the outcome
    /// of their first append was unknown.
    private func commits(of requests: [[Event]], _ outcomes: [AppendOutcome]) -> [ChannelBatch] {
        var commits: [ChannelBatch] = []
        var places: [ChannelName: Int] = [:]
        commits.reserveCapacity(requests.count)
        places.reserveCapacity(requests.count)
        for (events, outcome) in zip(requests, outcomes) {
            guard case .committed(let receipts) = outcome else { continue }
            assert(receipts.count == events.count, "an event has one receipt")
            for (event, receipt) in zip(events, receipts) {
                for position in receipt.positions where receipt.status == .accepted || self.isNews(position) {
                    let entry = TapeEntry(seq: position.seq, event: event)
                    if let place = places[position.channel], commits[place].isFollowed(by: entry) {
                        commits[place].entries.append(entry)
                    } else {
                        places[position.channel] = commits.count
                        commits.append(ChannelBatch(channel: position.channel, entries: [entry]))
                    }
                }
            }
        }
        return commits
    }
}

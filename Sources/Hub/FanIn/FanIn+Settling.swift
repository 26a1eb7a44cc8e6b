// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
import JSON
import Logging

/// The path of a message to the tape or to the dead letters.
extension FanIn {
    /// Accepts a message. Returns when there is room for the next one. A message that arrives after the gathered ones
    /// were dropped is dropped as well: the next time this node leads, it would be appended without those before it.
    func receive(_ message: FanInMessage) async {
        guard self.isListening else { return }
        self.counted.messages += 1
        let reading = self.reader.read(message, received: self.now())
        let order = self.order.received(reading.numbers, at: reading.received) { self.table[$0]?.seq }
        if case .leave(let request) = order {
            self.counted.early += 1
            if let request {
                self.ask(FanInRequest(channel: message.channel, source: request.source, after: request.after))
            }
            return
        }
        self.gathered.append(reading)
        self.heldBytes += reading.cost
        self.waitingForMessages?.resume()
        self.waitingForMessages = nil
        while self.heldBytes > self.limits.gatheredBytes, self.isListening {
            await withCheckedContinuation { self.waitingForRoom.append($0) }
        }
    }

    /// Accepts messages from now on.
    func startListening() {
        self.isListening = true
    }

    /// Stops accepting messages, and resumes callers that wait for room.
    func stopListening() {
        self.isListening = false
        self.makeRoom()
    }

    /// Commits the gathered messages, batch by batch. After leadership has been lost, returns when nothing is left or
    /// nothing more can be appended.
    func settleGathered() async {
        while true {
            if self.allowance == 0 { return }
            guard !self.gathered.isEmpty else {
                await withCheckedContinuation { self.waitingForMessages = $0 }
                continue
            }
            let batch = self.takeBatch()
            let rest = await self.settle(batch)
            self.heldBytes -= batch.prefix(batch.count - rest.count).reduce(0) { $0 + $1.cost }
            self.gathered.prepend(contentsOf: rest)
            self.makeRoom()
            if !rest.isEmpty { return }
        }
    }

    private func takeBatch() -> [FanInReading] {
        var batch: [FanInReading] = []
        var bytes = 0
        while let next = self.gathered.first, batch.count < self.limits.batchMessages,
            batch.isEmpty || bytes + next.cost <= self.limits.batchBytes
        {
            bytes += next.cost
            batch.append(next)
            self.gathered.removeFirst()
            self.allowance? -= 1
            if self.allowance == 0 { break }
        }
        return batch
    }

    private func makeRoom() {
        let waiting = self.waitingForRoom
        self.waitingForRoom = []
        for continuation in waiting {
            continuation.resume()
        }
    }

    /// Appends a batch in one transaction, retrying under the same ids until it succeeds. Only then do the sequence
    /// numbers of its sources count as received, and only then does the next batch begin.
    /// - Returns: The end of the batch that could not be committed before leadership was lost.
    private func settle(_ batch: [FanInReading]) async -> [FanInReading] {
        let requests = batch.filter { !$0.events.isEmpty }
        var outcomes: [AppendOutcome] = []
        var backoff = Backoff(self.limits.retry)
        var damages = 0
        while !requests.isEmpty {
            do throws(AppendFault) {
                outcomes = try await self.publisher.append(requests.map(\.events))
                break
            } catch {
                self.counted.retries += 1
                switch error {
                case .unavailable(.damaged) where requests.count > 1:
                    // The tape may reject just one of them; the others must not wait for it.
                    return await self.settleOneByOne(batch)
                case .unavailable(.damaged(let why)):
                    damages += 1
                    if damages == Self.damagedAttempts {
                        self.unblock()
                        self.setAside(requests[0], FanInFault("the tape cannot store it: \(why)"))
                        self.note(batch)
                        return []
                    }
                case .unavailable, .overloaded, .stopping:
                    break
                }
                if self.allowance != nil || Task.isCancelled || error == .stopping { return batch }
                self.isBlocked = true
                await backoff.wait()
            }
        }
        self.unblock()
        for (reading, outcome) in zip(requests, outcomes) {
            self.count(outcome, of: reading)
        }
        self.note(batch)
        return []
    }

    private func settleOneByOne(_ batch: [FanInReading]) async -> [FanInReading] {
        for (index, reading) in batch.enumerated() {
            if !(await self.settle([reading])).isEmpty { return Array(batch[index...]) }
        }
        return []
    }

    /// The batch is no longer blocked. Silence of sources while it was blocked does not count.
    func unblock() {
        guard self.isBlocked else { return }
        self.isBlocked = false
        self.table.held(until: self.now())
    }

    private func count(_ outcome: AppendOutcome, of reading: FanInReading) {
        switch outcome {
        case .committed(let receipts):
            self.counted.events += receipts.count
        case .refused(let refusal):
            self.counted.unfit += 1
            self.setAside(reading, FanInFault("the tape cannot store it: \(refusal.detail)"))
        case .conflict(let items):
            self.counted.conflicts += 1
            let ids = items.prefix(3).filter(reading.events.indices.contains).map { reading.events[$0].id }
            self.setAside(
                reading,
                FanInFault("these ids are already used for different content: \(ids.joined(separator: ", "))")
            )
        }
    }

    /// Records the sequence numbers of a committed batch.
    private func note(_ batch: [FanInReading]) {
        for reading in batch {
            for number in reading.numbers {
                self.note(number, of: reading)
            }
            guard let fault = reading.fault else { continue }
            self.counted.malformed += 1
            self.setAside(reading, fault)
            if let count = self.malformedLog.happened(at: reading.received) {
                self.logger.warning(
                    "fan-in messages are not valid events; see the dead letters",
                    metadata: [
                        "count": "\(count)", "channel": "\(reading.message.channel.cut(to: 100))",
                        "bytes": "\(reading.message.payload.count)",
                    ]
                )
            }
        }
    }

    private func note(_ number: SourceNumber, of reading: FanInReading) {
        switch self.table.heard(number, at: reading.received, takesUp: reading.fault == nil) {
        case .next, .unnumbered:
            break
        case nil:
            if reading.fault == nil { self.counted.untracked += 1 }
        case .duplicate:
            self.counted.duplicates += 1
        case .gap(let missing):
            self.counted.gaps += 1
            self.counted.missing.addClamped(missing.count)
            if let count = self.gapLog.happened(at: reading.received) {
                self.logger.warning(
                    "a source skipped sequence numbers",
                    metadata: [
                        "source": "\(number.source)", "from": "\(missing.lowerBound)", "to": "\(missing.upperBound)",
                        "gaps": "\(count)",
                    ]
                )
            }
            self.onGap(SourceGap(source: number.source, missing: missing))
        }
    }

    private func setAside(_ reading: FanInReading, _ fault: FanInFault) {
        let message = reading.message
        self.deadLetters.add(
            DeadLetter(
                received: reading.received,
                channel: message.channel,
                payload: message.payload,
                reason: fault.reason
            )
        )
    }

    /// Drops the gathered messages: another node leads, or the hub stops and the tape is unavailable. The next leader
    /// detects the gap by the sequence numbers.
    func abandon() {
        self.stopListening()
        guard !self.gathered.isEmpty else { return }
        self.logger.warning(
            "gathered fan-in messages were dropped",
            metadata: ["messages": "\(self.gathered.count)", "bytes": "\(self.heldBytes)"]
        )
        self.counted.abandoned += self.gathered.count
        self.heldBytes = 0
        self.gathered = []
    }
}

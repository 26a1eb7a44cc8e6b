// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging

extension MirrorFollower {
    /// Reads the newest logs of a contract.
    /// - Returns: Whether there are more.
    func look(at name: ContractName, head: MirrorBlock) async throws(FollowFault) -> Bool {
        guard let floor = self.place?.contracts[name]?.floor else { return false }
        let reading = try await self.read(LogReading(of: name, from: floor))
        guard var place = self.place, var contract = place.contracts[name] else { return false }
        let users = reading.logs.isEmpty ? [:] : self.users()
        guard let result = contract.take(reading, head: head.end, in: self.mirror, users: users) else { return false }
        place.contracts[name] = contract
        try await self.commit(place, result, head: head)
        return result.hasMore
    }

    /// Rereads a time range that was read long enough ago.
    /// - Returns: Whether there was one.
    func lookAgain(at name: ContractName, head: MirrorBlock) async throws(FollowFault) -> Bool {
        guard let next = self.place?.contracts[name]?.nextReread(head: head.end, in: self.mirror) else { return false }
        let reading = try await self.read(LogReading(of: name, from: next.from, before: next.before))
        guard var place = self.place, var contract = place.contracts[name] else { return false }
        let result: StepResult
        do throws(FollowFault) {
            result = try contract.take(
                reading,
                ofPass: next.pass,
                before: next.before,
                in: self.mirror,
                users: reading.logs.isEmpty ? [:] : self.users()
            )
        } catch {
            self.place?.contracts[name]?.failures = contract.failures
            throw error
        }
        place.contracts[name] = contract
        try await self.commit(place, result, head: head)
        if result.healed > 0 || result.undone > 0 {
            self.logger.notice(
                "the mirror's logs differ from an earlier read",
                metadata: ["contract": "\(name)", "found": "\(result.healed)", "undone": "\(result.undone)"]
            )
        }
        return true
    }

    /// Reads page by page.
    private func read(_ reading: LogReading) async throws(FollowFault) -> LogReading {
        var reading = reading
        var path: String? = reading.first
        while let asked = path {
            let answer = try await self.ask(asked)
            let page: MirrorPage<MirrorLog>
            do throws(NodeFault) { page = try MirrorPage(logs: answer) } catch { throw FollowFault(error) }
            path = try reading.take(page)
        }
        return reading
    }

    // MARK: Topics

    /// Maximum number of pages of messages per step.
    private static var messagePages: Int { 10 }

    /// Reads the newest messages of a topic.
    /// - Returns: Whether there are more.
    func look(at id: EntityID, head: MirrorBlock) async throws(FollowFault) -> Bool {
        guard let topic = self.place?.topics[id] else { return false }
        guard let sequence = topic.sequence else { return try await self.begin(id, head: head) }
        var messages: [MirrorMessage] = []
        var path: String? = MirrorPath.messages(id, after: sequence)
        var hasHole = false
        for _ in 0..<Self.messagePages {
            guard let asked = path, !hasHole else { break }
            let page = try await self.messages(asked)
            for message in page.rows {
                let expected = sequence + messages.count + 1
                guard message.topic == id, message.sequence >= expected else {
                    throw .again("the mirror answered with messages that were not requested")
                }
                if message.sequence > expected {
                    hasHole = true
                    break
                }
                messages.append(message)
            }
            path = page.next
            if page.rows.isEmpty { break }
        }
        guard !messages.isEmpty else {
            guard !hasHole else { throw .again("message \(sequence + 1) of topic \(id) is not there yet") }
            return false
        }
        guard var place = self.place, var topic = place.topics[id], topic.sequence == sequence else { return false }
        let result = topic.take(messages, in: self.mirror)
        place.topics[id] = topic
        try await self.commit(place, result, head: head)
        return path != nil && !hasHole
    }

    /// Finds the message to start with.
    private func begin(_ id: EntityID, head: MirrorBlock) async throws(FollowFault) -> Bool {
        let page = try await self.messages(MirrorPath.firstMessage(id, since: self.mirror.start))
        // An earlier message may still appear while the start time is recent.
        guard let first = page.rows.first, first.topic == id,
            first.time < head.end.advanced(by: .zero - self.mirror.settle),
            var place = self.place, var topic = place.topics[id]
        else { return false }
        topic.sequence = first.sequence - 1
        let result = topic.take([], in: self.mirror)
        place.topics[id] = topic
        try await self.commit(place, result, head: head)
        return true
    }

    private func messages(_ path: String) async throws(FollowFault) -> MirrorPage<MirrorMessage> {
        let answer = try await self.ask(path)
        do throws(NodeFault) {
            return try MirrorPage(messages: answer)
        } catch {
            throw FollowFault(error)
        }
    }

    // MARK: Committing

    /// Commits the result of a poll. After a failure, the checkpoint is read again before the next step.
    func commit(_ place: MirrorCheckpoint, _ result: StepResult, head: MirrorBlock) async throws(FollowFault) {
        var place = place
        var step = SourceStep(source: self.mirror.source, version: place.version)
        result.changes.add(to: &step)
        step.deadLetters = result.deadLetters
        if let anchor = place.anchor, head.end.duration(since: anchor.block.end) >= MirrorCheckpoint.Anchor.age {
            place.anchor = MirrorCheckpoint.Anchor(head)
            step.puts.append(
                SourceEntry(name: MirrorCheckpoint.Anchor.entryName, value: MirrorCheckpoint.Anchor(head).json)
            )
        }
        self.place = nil
        do throws(SinkFault) {
            try await self.sink.commit(result.events, step)
        } catch {
            self.knownEndpoint = nil
            switch error {
            case .unavailable(let why): throw .unavailable("the step was not committed: \(why)")
            case .moved: throw .unavailable("another process has continued this source")
            case .conflict(let ids):
                throw .stopped("other events are already stored with these ids: \(ids.joined(separator: ", "))")
            case .refused(let why): throw .stopped("the step cannot be stored as it is: \(why)")
            }
        }
        place.version += 1
        self.place = place
        self.status.facts += result.facts
        self.status.events += result.events.count
        self.status.healed += result.healed
        self.status.undone += result.undone
        self.status.deadLetters += result.deadLetters.count
    }
}

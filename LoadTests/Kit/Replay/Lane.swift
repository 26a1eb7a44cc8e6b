// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import NIOCore

/// One publisher of several: sends its events in order, one request at a time.
///
/// A channel's events are all in one lane (unless they have several keys), so that they keep their order however many
/// requests are in flight.
struct Lane: Sendable {
    /// Most events of one request at recorded times, when many are due at once.
    private static let largestRequest = 1_000
    /// Most bytes of one request; more wait for the next.
    private static let largestBody = 512 << 10

    let events: [Int]
    let plan: Plan
    let publisher: Publisher
    let crews: [CrewLink]
    let scoreboard: Scoreboard
    /// Events per request at full speed.
    let batch: Int

    /// Distributes a trace's events over lanes.
    static func distribute(_ trace: Trace, over count: Int) -> [[Int]] {
        var lanes = [[Int]](repeating: [], count: max(1, count))
        for (event, entry) in trace.entries.enumerated() {
            lanes[(entry.channels.first ?? 0) % lanes.count].append(event)
        }
        return lanes.filter { !$0.isEmpty }
    }

    /// Sends the events as fast as they are acknowledged.
    func runAtFullSpeed() async throws {
        var index = 0
        while index < self.events.count {
            let end = min(index + self.batch, self.events.count)
            let (publications, next) = try self.publications(from: index, to: end)
            let now = NIODeadline.now().uptimeNanoseconds
            let due = self.events[index..<next].map { (event: $0, at: now) }
            self.plan.due.set(due)
            try await self.publish(publications, due)
            index = next
        }
    }

    /// Sends each event at its time, or when the request before is answered.
    ///
    /// Latencies count from its time either way.
    ///
    /// - Parameter due: When each of the trace's events should be sent, in nanoseconds of uptime.
    func run(due: [UInt64]) async throws {
        var index = 0
        while index < self.events.count {
            let wait = NIODeadline.uptimeNanoseconds(due[self.events[index]]) - .now()
            if wait > .zero { try await Task.sleep(for: .nanoseconds(wait.nanoseconds)) }
            let now = NIODeadline.now().uptimeNanoseconds
            var end = index + 1
            while end < self.events.count, end - index < Self.largestRequest, due[self.events[end]] <= now { end += 1 }
            let (publications, next) = try self.publications(from: index, to: end)
            try await self.publish(publications, self.events[index..<next].map { ($0, due[$0]) })
            index = next
        }
    }

    private func publications(from start: Int, to end: Int) throws -> (publications: [Publication], next: Int) {
        var publications: [Publication] = []
        var bytes = 0
        var index = start
        while index < end, publications.isEmpty || bytes < Self.largestBody {
            let publication = try self.plan.publication(of: self.events[index])
            bytes += publication.json.count
            publications.append(publication)
            index += 1
        }
        return (publications, index)
    }

    private func publish(_ publications: [Publication], _ due: [(event: Int, at: UInt64)]) async throws {
        self.scoreboard.sent(publications.count, at: .now())
        let receipts: [Receipt]
        do throws(PublishError) {
            receipts = try await self.publisher.publish(publications)
        } catch {
            if case .cancelled = error { throw CancellationError() }
            throw RunError.publishing(error)
        }
        let now = NIODeadline.now()
        var acknowledgements: [Crew.Acknowledgement] = []
        for ((event, _), receipt) in zip(due, receipts) {
            try self.read(receipt, of: event, into: &acknowledgements)
        }
        let told = acknowledgements
        for crew in self.crews { crew.tell { $0.acknowledged(told) } }
        self.scoreboard.acknowledged(
            due.count,
            due.map { now.uptimeNanoseconds > $0.at ? now.uptimeNanoseconds - $0.at : 0 },
            duplicates: receipts.count { $0.status == .duplicate },
            at: now
        )
    }

    private func read(
        _ receipt: Receipt,
        of event: Int,
        into acknowledgements: inout [Crew.Acknowledgement]
    ) throws(RunError) {
        let entry = self.plan.entries[event]
        var told: Set<Int> = []
        for position in receipt.positions {
            guard let channel = self.plan.table.find(position.channel),
                let place = entry.channels.firstIndex(of: channel)
            else { continue }
            told.insert(channel)
            acknowledgements.append(
                Crew.Acknowledgement(
                    event: event,
                    channel: channel,
                    epoch: position.epoch,
                    seq: position.seq,
                    slot: entry.slots[place]
                )
            )
        }
        guard told.count == entry.channels.count else {
            throw .positions(event: event, expected: entry.channels.count, actual: told.count)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON

/// Plays a trace in a loop.
///
/// The id of an event says which round and line of the trace it is. A hub that is started again continues behind the last
/// one that was committed, so a trace whose balances end as they began adds up for ever.
struct Demo {
    private static let publisher = Principal(subject: "demo", scopes: ["publish:*"])
    private static let pause: Duration = .seconds(1)

    /// A line of a round of the trace.
    private struct Place: Comparable {
        var round: Int
        var line: Int

        init(round: Int, line: Int) {
            self.round = round
            self.line = line
        }

        /// From the id of an event; nil if the demonstration did not publish it.
        init?(id: String) {
            let parts = id.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "demo", let round = Int(decimal: parts[1], in: .seq),
                let line = Int(decimal: parts[2], in: .seq)
            else { return nil }
            self.init(round: round, line: line)
        }

        var id: String { "demo-\(self.round)-\(self.line)" }

        static func < (left: Place, right: Place) -> Bool {
            (left.round, left.line) < (right.round, right.line)
        }
    }

    private let trace: Trace
    private let hub: Hub

    init(path: String, hub: Hub) throws {
        self.trace = try Trace(path: path)
        self.hub = hub
    }

    /// Publishes until cancelled.
    func play() async throws {
        var round = 0
        var next = 0
        if let last = try await self.lastPlace() {
            round = last.round
            next = last.line + 1 < self.trace.count ? last.line + 1 : 0
        }
        try await self.trace.play(speed: .times(1), from: next, repeats: true) { lines in
            if lines.lowerBound == 0 { round += 1 }
            try await self.append(try lines.map { try self.event($0, of: round) })
        }
    }

    private func event(_ line: Int, of round: Int) throws -> Event {
        let json = self.trace.event(at: line, keepsTime: false, id: Place(round: round, line: line).id)
        let items = [try JSON.Value.parse(json)]
        guard
            let event = try self.hub.publisher.validator.events(from: items, publisher: Self.publisher, now: .now).first
        else { throw Trace.Fault(description: "line \(line) has no event") }
        return event
    }

    /// Appends until it is committed; the ids make that safe.
    private func append(_ events: [Event]) async throws {
        while true {
            do throws(AppendFault) {
                if case .committed? = try await self.hub.publisher.append([events]).first { return }
            } catch {
                guard error != .stopping else { throw CancellationError() }
                try await Task.sleep(for: Self.pause)
                continue
            }
            throw Trace.Fault(description: "the log refuses \(events.first?.id ?? "")")
        }
    }

    /// The last event of the trace that is in the log.
    private func lastPlace() async throws -> Place? {
        var channels: Set<ChannelName> = []
        for line in 0..<self.trace.count {
            let event = try self.event(line, of: 0)
            channels.formUnion(event.keys.map { ChannelName(type: event.type, key: $0) })
        }
        let pages = try await self.hub.tape.latest(of: Array(channels))
        return pages.values.flatMap(\.entries).compactMap { Place(id: $0.id) }.max()
    }
}

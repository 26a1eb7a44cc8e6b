// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// What was committed, and what was promised about it.
final class CommitLog: @unchecked Sendable {
    struct Line {
        let id: String
        let data: [UInt8]
        let slot: String
    }

    private(set) var channels: [String: [Line]] = [:]
    private var known: [String: (positions: [Position], time: Int64)] = [:]
    private(set) var commits = 0

    func head(of channel: String) -> Int { self.channels[channel]?.count ?? 0 }

    /// The number of the newest event of each slot.
    func newest(of channel: String) -> [String: Int] {
        var newest: [String: Int] = [:]
        for (index, line) in (self.channels[channel] ?? []).enumerated() { newest[line.slot] = index + 1 }
        return newest
    }

    func line(_ channel: String, _ seq: Int) -> Line? {
        guard let lines = self.channels[channel], seq > 0, seq <= lines.count else { return nil }
        return lines[seq - 1]
    }

    /// A transaction has ended.
    func committed(_ requests: [[Event]], _ outcomes: [AppendOutcome]) {
        for (request, outcome) in zip(requests, outcomes) {
            guard case .committed(let receipts) = outcome else { continue }
            for (event, receipt) in zip(request, receipts) { self.committed(event, receipt) }
        }
    }

    private func committed(_ event: Event, _ receipt: Receipt) {
        let id = "\(event.source) \(event.id)"
        if let known = self.known[id] {
            if receipt.status == .duplicate {
                if known.positions != receipt.positions {
                    Simulation.current.fail("\(event.id) got other positions later")
                }
                return
            }
            // What retention has removed may be published again.
            let age = Duration.nanoseconds(Simulation.current.now - known.time)
            let retention = event.type == "note" || event.type == "price" ? Scenario.retention : .seconds(3_600)
            guard age > retention - .milliseconds(200) else {
                return Simulation.current.fail("\(event.id) is committed twice")
            }
        }
        self.commits += 1
        self.known[id] = (receipt.positions, Simulation.current.now)
        for position in receipt.positions {
            let channel = position.channel.description
            guard position.seq == self.head(of: channel) + 1 else {
                return Simulation.current.fail("\(channel) got number \(position.seq) after \(self.head(of: channel))")
            }
            if channel == SimulatedSource.log, event.id != "\(position.seq)" {
                return Simulation.current.fail("message \(event.id) of the source got number \(position.seq)")
            }
            self.channels[channel, default: []].append(Line(id: event.id, data: event.data, slot: event.slot))
        }
    }

    /// A publisher got an answer.
    func answered(_ event: PublishedEvent, _ receipt: Receipt) {
        let data = Array(event.data.utf8)
        for position in receipt.positions {
            let line = self.line(position.channel.description, position.seq)
            guard let line, line.id == event.id, line.data == data else {
                return Simulation.current.fail(
                    "\(event) was answered as number \(position.seq), which is \(line?.id ?? "none")"
                )
            }
        }
    }
}

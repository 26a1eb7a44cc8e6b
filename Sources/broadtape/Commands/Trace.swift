// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import EventLog
import Foundation
import Hub
import JSON

/// Recorded events: one JSON object per line in the format of `/events`, with their original times.
struct Trace {
    /// How fast a trace is played.
    enum Speed: Equatable {
        /// As fast as the hub accepts them.
        case unpaced
        /// At the recorded times, this many times faster.
        case times(Double)
    }

    /// A line that is not an event.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// Events per request.
    private static let batch = 500

    private struct Line {
        let event: JSON.Value
        let time: Timestamp?
    }

    private let lines: [Line]

    /// - Parameter path: `-` reads standard input.
    init(path: String) throws {
        let data: Data
        do {
            data =
                path == "-"
                ? try FileHandle.standardInput.readToEnd() ?? Data()
                : try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw Fault(description: "\(path): cannot be read (\(error.localizedDescription))")
        }
        try self.init(bytes: Array(data), name: path)
    }

    private init(bytes: [UInt8], name: String) throws(Fault) {
        var lines: [Line] = []
        for (index, text) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            guard text.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
            do throws(JSON.Fault) {
                let value = try JSON.Value.parse(Array(text))
                let items = value.kind == .array ? Array(value.elements) : [value]
                lines += items.map { Line(event: $0, time: $0["time"]?.string.flatMap { Timestamp(rfc3339: $0) }) }
            } catch {
                throw Fault(description: "\(name):\(index + 1): not JSON: \(error)")
            }
        }
        self.lines = lines
    }

    var count: Int { self.lines.count }

    /// Publishes the events in order.
    /// - Parameter speed: When paced, events get the time of publication instead of the recorded one.
    func play(
        speed: Speed,
        repeats: Bool = false,
        publish: ([BroadtapeClient.Publication]) async throws -> Void
    ) async throws {
        repeat {
            let start = ContinuousClock.now
            var index = 0
            while index < self.lines.count {
                var due = index
                switch speed {
                case .unpaced:
                    due = min(index + Self.batch, self.lines.count)
                case .times(let factor):
                    try await Task.sleep(until: start + self.offset(of: index) / factor, clock: .continuous)
                    let elapsed = ContinuousClock.now - start
                    while due < self.lines.count, due - index < Self.batch, self.offset(of: due) / factor <= elapsed {
                        due += 1
                    }
                }
                let events = try self.lines[index..<due].map { try self.publication($0, keepsTime: speed == .unpaced) }
                try await publish(events)
                index = due
            }
        } while repeats && !self.lines.isEmpty
    }

    private func offset(of index: Int) -> Duration {
        guard let first = self.lines.first?.time, let time = self.lines[index].time else { return .zero }
        return max(.zero, time.duration(since: first))
    }

    private func publication(_ line: Line, keepsTime: Bool) throws -> BroadtapeClient.Publication {
        guard !keepsTime else { return try BroadtapeClient.Publication(json: Array(line.event.text)) }
        var writer = JSON.Writer(reservingCapacity: line.event.text.count)
        writer.beginObject()
        for (name, value) in line.event.members where name != "time" {
            writer.member(name, raw: value.text)
        }
        writer.endObject()
        return try BroadtapeClient.Publication(json: writer.bytes)
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
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

    /// Publishes the events in order, by their indices.
    /// - Parameter first: The event to begin with in the first round.
    func play(
        speed: Speed,
        from first: Int = 0,
        repeats: Bool = false,
        publish: (Range<Int>) async throws -> Void
    ) async throws {
        var index = first
        repeat {
            var start = ContinuousClock.now
            if case .times(let factor) = speed { start -= self.offset(of: index) / factor }
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
                try await publish(index..<due)
                index = due
            }
            index = 0
        } while repeats && !self.lines.isEmpty
    }

    private func offset(of index: Int) -> Duration {
        guard self.lines.indices.contains(index), let first = self.lines.first?.time, let time = self.lines[index].time
        else { return .zero }
        return max(.zero, time.duration(since: first))
    }

    /// An event as JSON.
    /// - Parameters:
    ///   - keepsTime: Otherwise it has none, so that it gets the time of publication.
    ///   - id: In place of its own.
    func event(at index: Int, keepsTime: Bool, id: String? = nil) -> [UInt8] {
        let event = self.lines[index].event
        if keepsTime, id == nil { return Array(event.text) }
        var writer = JSON.Writer(reservingCapacity: event.text.count)
        writer.beginObject()
        if let id { writer.member("id", string: id) }
        for (name, value) in event.members where (keepsTime || name != "time") && (id == nil || name != "id") {
            writer.member(name, raw: value.text)
        }
        writer.endObject()
        return writer.bytes
    }
}

// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import JSON

/// Why a trace cannot be replayed.
package enum TraceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file cannot be read.
    case unreadable(path: String, reason: String)
    /// A line, counted from 1, is not what it should be.
    case line(Int, reason: String)
    /// There is no event in it.
    case noEvents(skipped: Int)

    /// A sentence for a human.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read the trace \(path): \(reason)"
        case .line(let number, let reason): "cannot read the trace, line \(number): \(reason)"
        case .noEvents(let skipped):
            "there is no event in the trace" + (skipped > 0 ? " (\(skipped) lines are messages of other kinds)" : "")
        }
    }
}

/// Reads traces: our own NDJSON (a line begins with a brace), and logs of what exchanges sent (a line begins with the
/// time of arrival).
package struct TraceReader {
    private var entries: [Trace.Entry] = []
    private var slots: [String] = []
    private var skipped: [String: Int] = [:]
    private var firstTime: UTCTime?
    private let privateTypes: Set<String>

    private init(privateTypes: Set<String>) {
        self.privateTypes = privateTypes
    }

    /// Reads a file.
    /// - Parameter privateTypes: Types whose channels only their owners read.
    package static func read(
        path: String,
        privateTypes: Set<String> = Trace.privateTypes
    ) throws(TraceError) -> Trace {
        let bytes: [UInt8]
        do {
            bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            throw .unreadable(path: path, reason: "there is no such file")
        } catch {
            throw .unreadable(path: path, reason: error.localizedDescription)
        }
        return try Self.read(bytes, privateTypes: privateTypes)
    }

    /// Reads the content of a file.
    package static func read(
        _ bytes: [UInt8],
        privateTypes: Set<String> = Trace.privateTypes
    ) throws(TraceError) -> Trace {
        var reader = TraceReader(privateTypes: privateTypes)
        var number = 0
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            number += 1
            do throws(LineFault) {
                try reader.read(bytes[start..<end])
            } catch {
                throw .line(number, reason: error.reason)
            }
            start = end + 1
        }
        guard !reader.entries.isEmpty else {
            throw .noEvents(skipped: reader.skipped.values.reduce(0, +))
        }
        return Trace(reader.entries, slots: reader.slots, skipped: reader.skipped, privateTypes: privateTypes)
    }

    private mutating func read(_ line: ArraySlice<UInt8>) throws(LineFault) {
        guard let first = line.first(where: { $0 > 0x20 }) else { return }
        switch first {
        case UInt8(ascii: "{"):
            let recorded = try RecordedEvent(ownLine: line)
            self.append(recorded)
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            switch try ExchangeLine.read(line) {
            case .event(let recorded): self.append(recorded)
            case .other(let kind): self.skipped[kind, default: 0] += 1
            }
        case UInt8(ascii: "w") where line.starts(with: Array("wss://".utf8)):
            self.skipped["connection note", default: 0] += 1
        default:
            throw LineFault("neither an event (a JSON object) nor a line of an exchange log (<seconds>: <JSON>)")
        }
    }

    private mutating func append(_ recorded: RecordedEvent) {
        let last = self.entries.last?.offset ?? 0
        var offset = last
        if let time = recorded.time {
            let first = self.firstTime ?? time
            self.firstTime = first
            // Clocks of publishers differ: the order of the file counts.
            let (since, isBeyond) = time.nanoseconds.subtractingReportingOverflow(first.nanoseconds)
            offset = isBeyond ? last : max(last, since)
        }
        self.entries.append(
            Trace.Entry(
                offset: offset,
                type: recorded.type,
                keys: recorded.keys,
                time: recorded.time?.description,
                data: recorded.data
            )
        )
        self.slots.append(recorded.slot)
    }
}

/// What is wrong with a line.
struct LineFault: Error, Equatable {
    var reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON

/// An event as a line of a trace tells it.
struct RecordedEvent: Equatable {
    var type: String
    var keys: [String]
    var time: UTCTime?
    var data: [UInt8]
    /// Which of the values kept side by side it replaces.
    var slot = ""

    /// The fields of `data` that hold the key where the event itself has none.
    private static let keyFields = [
        "balanceUpdate": "userId", "transactionUpdate": "userId", "rateChange": "pair", "chainEvent": "contract",
    ]

    init(type: String, keys: [String], time: UTCTime?, data: [UInt8]) {
        self.type = type
        self.keys = keys
        self.time = time
        self.data = data
    }

    /// Reads a line of NDJSON: an event as it is published.
    init(ownLine line: ArraySlice<UInt8>) throws(LineFault) {
        let value: JSON.Value
        do throws(JSON.Fault) {
            value = try JSON.Value.parse(Array(line))
        } catch {
            throw LineFault("not JSON: \(error)")
        }
        guard let type = value["type"]?.string else { throw LineFault("\"type\" is required (a string)") }
        guard let data = value["data"], data.kind == .object else {
            throw LineFault("\"data\" is required (an object)")
        }
        var time: UTCTime?
        if let text = value["time"] {
            time = text.string.flatMap { UTCTime($0) }
            guard time != nil else { throw LineFault("\"time\" must be an RFC 3339 time") }
        }
        let keys = try Self.keys(of: value, data: data, type: type)
        self.init(type: type, keys: keys, time: time, data: data.compacted())
        if type == "balanceUpdate" { self.slot = data["currency"]?.string ?? "USD" }
    }

    private static func keys(of value: JSON.Value, data: JSON.Value, type: String) throws(LineFault) -> [String] {
        if let list = value["keys"] {
            let keys = list.elements.compactMap(\.string)
            guard !keys.isEmpty, keys.count == list.count else {
                throw LineFault("\"keys\" must be an array of at least one string")
            }
            return keys
        }
        if let key = value["key"] {
            guard let key = key.string else { throw LineFault("\"key\" must be a string") }
            return [key]
        }
        guard let field = Self.keyFields[type] else { throw LineFault("\"key\" or \"keys\" is required for \(type)") }
        guard let key = data[field]?.string else {
            throw LineFault("\"key\", \"keys\" or data.\(field) is required for \(type)")
        }
        return [key]
    }
}

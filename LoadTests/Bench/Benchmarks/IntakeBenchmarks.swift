// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON

/// From the text of an event to an event that may be appended.
enum IntakeBenchmarks {
    static let all = [
        Benchmark("json-parse", "event with 200 B of data") {
            let text = Self.text(number: 1)
            return { iterations in
                for _ in 0..<iterations { keep(try JSON.Value.parse(text)) }
                return nil
            }
        },
        Benchmark("intake", "event parsed and checked") {
            let text = Self.text(number: 1)
            let validator = EventValidator(types: EventTypes())
            let publisher = Principal(subject: "bench", scopes: ["publish:*"])
            return { iterations in
                let now = Timestamp.now
                for _ in 0..<iterations {
                    keep(try validator.events(from: [try JSON.Value.parse(text)], publisher: publisher, now: now))
                }
                return nil
            }
        },
    ]

    /// A chain event with 200 bytes of data.
    static func text(number: Int, key: String = "bench") -> [UInt8] {
        let head = #"{"chain":"1","event":"Transfer","blockNumber":1,"blockHash":"0x0","transactionHash":"0x0","#
        let fixed = head + #""logIndex":0,"level":"seen","pad":""}"#
        let pad = String(repeating: "x", count: 200 - fixed.utf8.count)
        let data = head + #""logIndex":0,"level":"seen","pad":"\#(pad)"}"#
        return Array(#"{"type":"chainEvent","key":"\#(key)","id":"e-\#(number)","data":\#(data)}"#.utf8)
    }

    /// Events that were checked, with ids of their own.
    static func events(_ numbers: Range<Int>, keys: Int) throws -> [Event] {
        let validator = EventValidator(types: EventTypes())
        let publisher = Principal(subject: "bench", scopes: ["publish:*"])
        let items = try numbers.map { try JSON.Value.parse(Self.text(number: $0, key: "bench-\($0 % keys)")) }
        return try validator.events(from: items, publisher: publisher, now: .now)
    }
}

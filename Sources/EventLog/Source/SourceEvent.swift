// SPDX-License-Identifier: Apache-2.0

import JSON

/// An event created by a source: what `POST /events` accepts, not validated yet.
package struct SourceEvent: Sendable, Equatable {
    package var id: String
    package var type: String
    package var key: String
    /// A JSON object.
    package var data: [UInt8]
    /// When it happened; nil uses the time of acceptance.
    package var time: Timestamp?

    package init(id: String, type: String, key: String, data: [UInt8], time: Timestamp? = nil) {
        self.id = id
        self.type = type
        self.key = key
        self.data = data
        self.time = time
    }

    /// The event as a fan-in message.
    /// - Parameter seq: The `sourceSeq`.
    package func json(source: String, seq: Int? = nil) -> [UInt8] {
        var writer = JSON.Writer(reservingCapacity: 192 + self.data.count)
        writer.beginObject()
        writer.member("type", string: self.type)
        writer.member("key", string: self.key)
        writer.member("id", string: self.id)
        writer.member("source", string: source)
        if let time { writer.member("time", string: time.description) }
        if let seq {
            writer.member("sourceSeq", integer: seq)
            writer.member("sourceOrder", string: "strict")
        }
        writer.member("data", raw: self.data)
        writer.endObject()
        return writer.bytes
    }
}

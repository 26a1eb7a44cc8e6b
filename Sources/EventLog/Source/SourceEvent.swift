// SPDX-License-Identifier: Apache-2.0

import JSON

/// An event as a source makes it: what `POST /events` takes, not checked yet.
package struct SourceEvent: Sendable, Equatable {
    package var id: String
    package var type: String
    package var key: String
    /// A JSON object.
    package var data: [UInt8]
    /// When it happened; nil for when the hub takes it.
    package var time: Timestamp?

    package init(id: String, type: String, key: String, data: [UInt8], time: Timestamp? = nil) {
        self.id = id
        self.type = type
        self.key = key
        self.data = data
        self.time = time
    }

    /// As a message.
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

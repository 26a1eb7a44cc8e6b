// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import JSON

extension MirrorMessage {
    /// Maximum size of `data`, in bytes, for a message published as text. A larger one is published in base64, whose
    /// length does not depend on the content.
    private static let maxTextBytes = 60_000

    /// The message as an event: text if it is valid UTF-8, base64 otherwise.
    /// - Parameter parts: Number of chunks it was joined from.
    func event(in mirror: Mirror, parts: Int? = nil) -> SourceEvent {
        var data: [UInt8]?
        if let text = String(validating: self.content, as: UTF8.self) {
            data = self.data(in: mirror, parts: parts, encoding: "text", message: text)
        }
        if data.map({ $0.count > Self.maxTextBytes }) ?? true {
            data = self.data(in: mirror, parts: parts, encoding: "base64", message: self.base64)
        }
        return SourceEvent(
            id: "\(self.topic):\(self.sequence)",
            type: "topicMessage",
            key: self.topic.description,
            data: data ?? []
        )
    }

    private var base64: String {
        Data(self.content).base64EncodedString()
    }

    private func data(in mirror: Mirror, parts: Int?, encoding: String, message: String) -> [UInt8] {
        var writer = JSON.Writer(reservingCapacity: 384 + message.utf8.count)
        writer.beginObject()
        writer.member("chain", string: mirror.name)
        writer.member("topic", string: self.topic.description)
        writer.member("sequenceNumber", integer: self.sequence)
        writer.member("consensusTimestamp", string: self.time.description)
        writer.member("payer", string: self.payer)
        writer.member("runningHash", string: self.runningHash)
        if let parts { writer.member("parts", integer: parts) }
        if let chunk {
            writer.name("part")
            writer.beginObject()
            writer.member("of", string: chunk.message)
            writer.member("number", integer: chunk.number)
            writer.member("total", integer: chunk.total)
            writer.endObject()
        }
        writer.member("encoding", string: encoding)
        writer.member("message", string: message)
        writer.endObject()
        return writer.bytes
    }

    /// Written in the format of a mirror node, so that it is parsed by the same code.
    func write(to writer: inout JSON.Writer) {
        writer.beginObject()
        writer.member("topic_id", string: self.topic.description)
        writer.member("sequence_number", integer: self.sequence)
        writer.member("consensus_timestamp", string: self.time.description)
        writer.member("payer_account_id", string: self.payer)
        writer.member("running_hash", string: self.runningHash)
        writer.member("message", string: self.base64)
        if let chunk {
            let parts = chunk.message.split(atFirst: "@")
            writer.name("chunk_info")
            writer.beginObject()
            writer.name("initial_transaction_id")
            writer.beginObject()
            writer.member("account_id", string: parts.map { String($0.before) } ?? "")
            writer.member("transaction_valid_start", string: parts.map { String($0.behind) } ?? "")
            writer.endObject()
            writer.member("number", integer: chunk.number)
            writer.member("total", integer: chunk.total)
            writer.endObject()
        }
        writer.endObject()
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
package import JSON

/// One message of a topic, which may be a chunk of a longer one.
package struct MirrorMessage: Sendable, Equatable {
    /// Which chunk of which message it is.
    package struct Chunk: Sendable, Equatable {
        /// Identifies the message: the account and valid start of the first chunk's transaction.
        package var message: String
        /// Counted from 1.
        package var number: Int
        package var total: Int

        package init(message: String, number: Int, total: Int) {
            self.message = message
            self.number = number
            self.total = total
        }
    }

    package var topic: EntityID
    package var sequence: Int
    package var time: ConsensusTime
    package var payer: String
    package var runningHash: String
    package var content: [UInt8]
    /// Nil for a message that is not chunked.
    package var chunk: Chunk?

    package init(
        topic: EntityID,
        sequence: Int,
        time: ConsensusTime,
        payer: String,
        runningHash: String,
        content: [UInt8],
        chunk: Chunk? = nil
    ) {
        self.topic = topic
        self.sequence = sequence
        self.time = time
        self.payer = payer
        self.runningHash = runningHash
        self.content = content
        self.chunk = chunk
    }

    /// Parses one row.
    package init(_ value: JSON.Value) throws(NodeFault) {
        guard let topic = value["topic_id"]?.string.flatMap(EntityID.init(_:)),
            let sequence = value["sequence_number"]?.integer(in: 1...Int.maxSafe),
            let time = value["consensus_timestamp"]?.string.flatMap(ConsensusTime.init(_:)),
            let content = value["message"]?.string.flatMap({ Data(base64Encoded: $0) })
        else { throw .again("a message is missing its topic, sequence_number, consensus_timestamp or content") }
        var chunk: Chunk?
        if let info = value["chunk_info"], !info.isNull {
            guard let total = info["total"]?.integer(in: 1...Int.maxSafe),
                let number = info["number"]?.integer(in: 1...total)
            else { throw .again("message \(sequence) has a chunk_info without a number and a total") }
            if total > 1 {
                let transaction = info["initial_transaction_id"]
                guard let account = transaction?["account_id"]?.string,
                    let start = transaction?["transaction_valid_start"]?.string
                else { throw .again("message \(sequence) is a chunk of an unknown message") }
                chunk = Chunk(message: "\(account.cut(to: 64))@\(start.cut(to: 64))", number: number, total: total)
            }
        }
        self.init(
            topic: topic,
            sequence: sequence,
            time: time,
            payer: (value["payer_account_id"]?.string ?? "").cut(to: 64),
            runningHash: (value["running_hash"]?.string ?? "").cut(to: 128),
            content: [UInt8](content),
            chunk: chunk
        )
    }
}

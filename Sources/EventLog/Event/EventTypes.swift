// SPDX-License-Identifier: Apache-2.0

import JSON

/// The event types that a hub knows.
package struct EventTypes: Sendable {
    private let byName: [ExactText: EventType]

    /// The built-in types and the declared ones; a declared type replaces the built-in type of the same name.
    package init(declared: [EventType] = []) {
        let types = (Self.builtIn + declared).map { (ExactText($0.name), $0) }
        self.byName = Dictionary(types, uniquingKeysWith: { _, last in last })
    }

    package subscript(_ name: some StringProtocol) -> EventType? {
        self.byName[ExactText(String(name))]
    }

    /// Ascending by name.
    package var all: [EventType] {
        self.byName.values.sorted { $0.name.precedes($1.name) }
    }

    /// The types that every hub has.
    package static let builtIn: [EventType] = [
        EventType(
            name: "balanceUpdate",
            readers: .owner,
            delivery: .latest,
            keyField: "userId",
            slot: EventType.Slot(field: "currency", defaultValue: "USD"),
            retention: .days(90),
            fields: [
                Field("balance", .decimal, required: true),
                Field("userId", .string),
                Field("currency", .string),
                Field("available", .decimal),
                Field("walletId", .string),
                Field("version", .seq),
            ],
            projection: .balance
        ),
        EventType(
            name: "transactionUpdate",
            readers: .owner,
            delivery: .every,
            keyField: "userId",
            retention: .days(365),
            fields: [
                Field("type", .string, required: true),
                Field("amount", .decimal, required: true),
                Field("status", .string, required: true),
                Field("userId", .string),
                Field("currency", .string),
                Field("transactionId", .string),
                Field("walletId", .string),
                Field("pair", .string),
                Field("side", .string),
                Field("price", .decimal),
                Field("filledAmount", .decimal),
                Field("recipientId", .string),
                Field("balanceVersion", .seq),
            ],
            projection: .transaction
        ),
        EventType(
            name: "rateChange",
            readers: .everyone,
            delivery: .latest,
            keyField: "pair",
            retention: .days(1),
            fields: [
                Field("rate", .decimal, required: true),
                Field("pair", .string),
                Field("bid", .decimal),
                Field("ask", .decimal),
                Field("exchange", .string),
                Field("sequence", .seq),
            ],
            projection: .rate
        ),
        EventType(
            name: "chainEvent",
            readers: .everyone,
            delivery: .every,
            keyField: "contract",
            fields: [
                Field("chain", .string, required: true),
                Field("event", .string, required: true),
                Field("blockNumber", .seq, required: true),
                Field("blockHash", .string, required: true),
                Field("transactionHash", .string, required: true),
                Field("logIndex", .seq, required: true),
                Field("level", .choice(["seen", "confirmed", "final"]), required: true),
                Field("contract", .string),
                Field("args", .object),
                Field("undoes", .string),
            ]
        ),
        EventType(
            name: "topicMessage",
            readers: .everyone,
            delivery: .every,
            keyField: "topic",
            fields: [
                Field("chain", .string, required: true),
                Field("sequenceNumber", .seq, required: true),
                Field("consensusTimestamp", .string, required: true),
                Field("encoding", .choice(["text", "base64"]), required: true),
                Field("message", .string, required: true),
                Field("topic", .string),
            ]
        ),
    ]
}

extension Duration {
    fileprivate static func days(_ count: Int) -> Duration {
        .seconds(count * 86_400)
    }
}

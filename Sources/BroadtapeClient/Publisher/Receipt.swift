// SPDX-License-Identifier: Apache-2.0

import JSON

/// The hub's confirmation that an event is committed.
public struct Receipt: Sendable, Equatable {
    /// Whether the event was new.
    public enum Status: String, Sendable {
        /// It was appended.
        case accepted
        /// It had been appended before, with the same content.
        case duplicate
    }

    /// The event's id, the hub's own where the publisher gave none.
    public var id: String
    /// Whether the event was new.
    public var status: Status
    /// Its position in each of its channels; the original positions for a duplicate.
    public var positions: [Position]

    /// Creates a receipt.
    public init(id: String, status: Status, positions: [Position]) {
        self.id = id
        self.status = status
        self.positions = positions
    }
}

extension Receipt {
    /// Reads `results`; nil when it is not a list of results.
    static func list(_ value: JSON.Value?) -> [Receipt]? {
        guard let value, value.kind == .array else { return nil }
        var receipts: [Receipt] = []
        for element in value.elements {
            guard let receipt = Receipt(element) else { return nil }
            receipts.append(receipt)
        }
        return receipts
    }

    private init?(_ value: JSON.Value) {
        guard let id = value["id"]?.string, let status = value["status"]?.string.flatMap({ Status(rawValue: $0) }),
            let list = value["positions"], list.kind == .array
        else { return nil }
        var positions: [Position] = []
        for element in list.elements {
            guard let channel = element["channel"]?.string, let epoch = element["epoch"]?.string,
                let seq = element["seq"]?.integer(in: .seq)
            else { return nil }
            positions.append(Position(channel: channel, epoch: epoch, seq: seq))
        }
        self.init(id: id, status: status, positions: positions)
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// An event type, prepared so that one pass over an event's `data` finds every field the type needs.
final class TypeReader: Sendable {
    let type: EventType
    /// The names of the type's fields in order, followed by those of the key and the slot unless they are fields.
    private let selection: JSON.Selection
    /// By the field's index.
    private let fieldPlaces: [Int]
    private let keyPlace: Int?
    private let slotPlace: Int?
    /// The fields that name things in an index, and their positions.
    private let namePlaces: [(name: String, place: Int)]

    init(_ type: EventType) {
        var names: [String] = []
        func place(of name: String) -> Int {
            if let place = names.firstIndex(where: { $0.hasSameBytes(as: name) }) { return place }
            names.append(name)
            return names.count - 1
        }
        self.fieldPlaces = type.fields.map { place(of: $0.name) }
        self.keyPlace = type.keyField.map(place)
        self.slotPlace = type.slot.map { place(of: $0.field) }
        let named = type.projection?.names ?? []
        let slot = type.slot.map { [$0.field] } ?? []
        self.namePlaces = (named + slot.filter { !named.contains($0) }).map { ($0, place(of: $0)) }
        self.type = type
        self.selection = JSON.Selection(names)
    }

    /// The `data` of one event after one pass.
    struct Data {
        private let reader: TypeReader
        private let found: JSON.Value.Selected

        fileprivate init(_ reader: TypeReader, _ found: JSON.Value.Selected) {
            self.reader = reader
            self.found = found
        }

        /// The first invalid field and what is wrong with it; nil if all fields are valid.
        func validationError() -> (field: String, message: String)? {
            for (index, field) in self.reader.type.fields.enumerated() {
                if let message = field.validationError(ofValue: self.found[self.reader.fieldPlaces[index]]) {
                    return (field.name, message)
                }
            }
            for (name, place) in self.reader.namePlaces {
                if let message = self.found[place].flatMap({ RowKey.validationError(of: $0) }) { return (name, message) }
            }
            return nil
        }

        /// The value of the field that contains the key; nil also if the type has no such field.
        var key: JSON.Value? {
            self.reader.keyPlace.flatMap { self.found[$0] }
        }

        /// See ``Event/slot``.
        var slot: String {
            guard let place = self.reader.slotPlace, let slot = self.reader.type.slot else { return "" }
            return self.found[place]?.string ?? slot.defaultValue
        }
    }

    func extract(from data: JSON.Value) -> Data {
        Data(self, data.select(self.selection))
    }
}

/// The members of a published event after one pass.
struct Envelope {
    private static let selection = JSON.Selection([
        "type", "key", "keys", "id", "source", "time", "data", "traceparent",
    ])
    private let found: JSON.Value.Selected

    init(_ item: JSON.Value) {
        self.found = item.select(Self.selection)
    }

    var type: JSON.Value? { self.found[0] }
    var key: JSON.Value? { self.found[1] }
    var keys: JSON.Value? { self.found[2] }
    var id: JSON.Value? { self.found[3] }
    var source: JSON.Value? { self.found[4] }
    var time: JSON.Value? { self.found[5] }
    var data: JSON.Value? { self.found[6] }
    var traceparent: JSON.Value? { self.found[7] }
}

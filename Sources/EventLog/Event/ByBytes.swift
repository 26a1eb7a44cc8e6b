// SPDX-License-Identifier: Apache-2.0

import JSON

/// A text that is compared by its bytes, as a database does. With Swift's comparison, a row that differs only in
/// Unicode composition would count as unchanged.
@propertyWrapper
package struct ByBytes<Text: ComparableByBytes>: Equatable, Sendable {
    package var wrappedValue: Text

    package init(wrappedValue: Text) {
        self.wrappedValue = wrappedValue
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.wrappedValue.hasSameBytes(as: right.wrappedValue)
    }
}

/// A text, or nil.
package protocol ComparableByBytes: Sendable {
    func hasSameBytes(as other: Self) -> Bool
}

extension String: ComparableByBytes {}

extension Optional: ComparableByBytes where Wrapped == String {
    package func hasSameBytes(as other: String?) -> Bool {
        switch (self, other) {
        case (let left?, let right?): left.hasSameBytes(as: right)
        case (nil, nil): true
        case (nil, _), (_, nil): false
        }
    }
}

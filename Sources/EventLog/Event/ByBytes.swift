// SPDX-License-Identifier: Apache-2.0

import JSON

/// A text of what can be compared: it is the same as another only when their bytes are, as a database has it. Without
/// this, a row that differs in how a letter is composed would count as unchanged.
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

/// A text, or none.
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

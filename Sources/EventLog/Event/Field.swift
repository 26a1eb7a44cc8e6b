// SPDX-License-Identifier: Apache-2.0

package import JSON

/// The declaration of one field of `data` in an event type.
package struct Field: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// An amount or price: a JSON string such as `"123.45"`, never a JSON number, because parsers may change its
        /// digits.
        case decimal
        case string
        /// One of these strings.
        case choice([String])
        /// A JSON number without fraction or exponent that fits into 64 bits.
        case integer
        /// An integer from 0 to 2^53 − 1, the range that every JSON parser represents exactly.
        case seq
        case boolean
        case object
        case array
        case any
    }

    package var name: String
    package var kind: Kind
    package var isRequired: Bool

    package init(_ name: String, _ kind: Kind, required: Bool = false) {
        self.name = name
        self.kind = kind
        self.isRequired = required
    }

    /// What is wrong with the field in `data`; nil if it is valid.
    package func validationError(of data: JSON.Value) -> String? {
        self.validationError(ofValue: data[self.name])
    }

    /// What is wrong with this value of the field; a nil value means that `data` does not contain the field.
    package func validationError(ofValue value: JSON.Value?) -> String? {
        guard let value else {
            return self.isRequired ? "is required (\(self.kind.expectation))" : nil
        }
        return self.kind.validationError(of: value)
    }
}

extension Field.Kind {
    /// Maximum length of a decimal, in characters; 2^256 has 78 digits.
    package static let maxDecimalLength = 160

    var expectation: String {
        switch self {
        case .decimal: "a decimal string such as \"123.45\""
        case .string: "a string"
        case .choice(let values): "one of " + values.map { "\"\($0)\"" }.joined(separator: ", ")
        case .integer: "a whole number"
        case .seq: ClosedRange.seq.expectation()
        case .boolean: "true or false"
        case .object: "an object"
        case .array: "an array"
        case .any: "any value"
        }
    }

    func validationError(of value: JSON.Value) -> String? {
        let isRight =
            switch self {
            case .decimal: Self.isDecimal(value)
            case .string: value.kind == .string
            case .choice(let values): values.contains { value.equals($0) }
            case .integer: value.integer(in: .unlimited) != nil
            case .seq: value.integer(in: .seq) != nil
            case .boolean: value.kind == .bool
            case .object: value.kind == .object
            case .array: value.kind == .array
            case .any: true
            }
        return isRight ? nil : "must be \(self.expectation)\(Self.hint(self, value))"
    }

    private static func hint(_ kind: Self, _ value: JSON.Value) -> String {
        if kind == .decimal, let number = value.number { ", not the number \(number)" } else { "" }
    }

    private static func isDecimal(_ value: JSON.Value) -> Bool {
        if let text = value.plainText { return Self.isDecimal(text) }
        return value.string.map { Self.isDecimal($0) } ?? false
    }

    /// Whether a text matches `-?digits(.digits)?`.
    package static func isDecimal(_ text: String) -> Bool {
        Self.isDecimal(text.utf8)
    }

    private static func isDecimal(_ text: some Sequence<UInt8>) -> Bool {
        var length = 0
        /// Digits in the current part, before or after the point.
        var digits = 0
        var hasPoint = false
        for byte in text {
            length += 1
            switch byte {
            case 0x30...0x39:
                digits += 1
            case UInt8(ascii: "-") where length == 1:
                break
            case UInt8(ascii: ".") where !hasPoint && digits > 0:
                hasPoint = true
                digits = 0
            default:
                return false
            }
            guard length <= Self.maxDecimalLength else { return false }
        }
        return digits > 0
    }
}

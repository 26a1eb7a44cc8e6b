// SPDX-License-Identifier: Apache-2.0

/// A decimal in canonical form, the same on every tape: no leading zeros, no negative zero, and the fraction digits as
/// published.
///
/// `"123.450"` is unchanged, `"007.10"` becomes `"7.10"` and `"-0.0"` becomes `"0.0"`, as SQL's `NUMERIC` prints them.
package struct Amount: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Nil unless the text is a valid ``Field/Kind/decimal``.
    package init?(_ text: String) {
        guard Field.Kind.isDecimal(text) else { return nil }
        let zero = UInt8(ascii: "0")
        let point = UInt8(ascii: ".")
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let digits = text.utf8.dropFirst(isNegative ? 1 : 0)
        var result: [UInt8] = []
        result.reserveCapacity(digits.count + 1)
        if isNegative, digits.contains(where: { $0 != zero && $0 != point }) { result.append(UInt8(ascii: "-")) }
        let significant = digits.drop { $0 == zero }
        if significant.first ?? point == point { result.append(zero) }
        result.append(contentsOf: significant)
        self.description = String(decoding: result, as: UTF8.self)
    }
}

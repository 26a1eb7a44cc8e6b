// SPDX-License-Identifier: Apache-2.0

/// A decimal in the one form in which every tape keeps it: no needless zero in front, no negative zero, and as many
/// digits after the point as were published.
///
/// `"123.450"` stays, `"007.10"` becomes `"7.10"` and `"-0.0"` becomes `"0.0"`, as SQL's `NUMERIC` writes them.
package struct Amount: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Nil unless the text is what ``Field/Kind/decimal`` allows.
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

// SPDX-License-Identifier: Apache-2.0

/// Converts 256-bit numbers to decimal digits, without an arithmetic type.
package enum BigNumber {
    /// Decimal digits of an unsigned big-endian number of at most 32 bytes.
    package static func decimal(_ bytes: some Collection<UInt8>) -> String {
        var limbs = Self.limbs(bytes)
        var groups: [UInt64] = []
        while limbs.contains(where: { $0 != 0 }) {
            // Nineteen digits at a time: the largest power of ten below 2^64.
            var remainder: UInt64 = 0
            for index in limbs.indices {
                (limbs[index], remainder) = Self.billions.dividingFullWidth((remainder, limbs[index]))
            }
            groups.append(remainder)
        }
        guard let last = groups.popLast() else { return "0" }
        return groups.reversed().reduce(into: String(last)) { text, group in
            let digits = String(group)
            text += String(repeating: "0", count: 19 - digits.count) + digits
        }
    }

    /// Decimal digits of a two's complement big-endian number of 32 bytes.
    package static func signedDecimal(_ bytes: some Collection<UInt8>) -> String {
        guard let first = bytes.first, first & 0x80 != 0 else { return Self.decimal(bytes) }
        var negated = bytes.map { ~$0 }
        for index in negated.indices.reversed() {
            negated[index] &+= 1
            if negated[index] != 0 { break }
        }
        return "-" + Self.decimal(negated)
    }

    /// A whole number in units of 10^-places: `"1500"` with 3 places is `"1.5"`.
    /// - Parameter digits: Decimal digits, optionally with a sign.
    package static func scaled(_ digits: String, places: Int) -> String {
        guard places > 0 else { return digits }
        let sign = digits.hasPrefix("-") ? "-" : ""
        var digits = digits.dropFirst(sign.count).description
        if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
        var fraction = digits.suffix(places)
        while fraction.last == "0" { fraction.removeLast() }
        let whole = digits.dropLast(places)
        return sign + whole + (fraction.isEmpty ? "" : "." + fraction)
    }

    private static let billions: UInt64 = 10_000_000_000_000_000_000

    private static func limbs(_ bytes: some Collection<UInt8>) -> [UInt64] {
        var limbs: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in bytes.suffix(32).reversed().enumerated() {
            limbs[3 - index / 8] |= UInt64(byte) << UInt64(truncatingIfNeeded: index % 8 * 8)
        }
        return limbs
    }
}

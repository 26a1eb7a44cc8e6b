// SPDX-License-Identifier: Apache-2.0

/// Two currencies by their common codes, the first priced in the second: `BTC/USDT`.
package struct Pair: Hashable, Sendable, CustomStringConvertible {
    package let base: String
    package let quote: String

    /// Exchange-specific codes and the common ones.
    private static let common = ["XBT": "BTC", "XDG": "DOGE"]

    package var description: String { "\(self.base)/\(self.quote)" }

    /// Parses `BTC/USDT`; nil unless there are two different codes of 1 to 20 capital letters and digits.
    package init?(_ text: some StringProtocol) {
        let codes = text.split(separator: "/" as Character, omittingEmptySubsequences: false).map { String($0) }
        guard codes.count == 2, codes[0] != codes[1], codes.allSatisfy(Self.isCode) else { return nil }
        self.base = codes[0]
        self.quote = codes[1]
    }

    private static func isCode(_ text: String) -> Bool {
        (1...20).contains(text.utf8.count)
            && text.utf8.allSatisfy { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 || 0x30...0x39 ~= $0 }
    }

    /// The same pair by common codes.
    package var common: Pair {
        Pair(base: Self.common[self.base] ?? self.base, quote: Self.common[self.quote] ?? self.quote)
    }

    /// With the codes that Kraken's REST API still uses.
    var ofKraken: Pair {
        func code(_ common: String) -> String { Self.common.first { $0.value == common }?.key ?? common }
        return Pair(base: code(self.base), quote: code(self.quote))
    }

    private init(base: String, quote: String) {
        self.base = base
        self.quote = quote
    }
}

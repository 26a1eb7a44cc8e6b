// SPDX-License-Identifier: Apache-2.0

import JSON

/// Maps addresses to countries by longest prefix match.
///
/// Prefixes are flattened once into boundaries at which the country changes, so that a lookup is one binary search. A
/// boundary takes 18 bytes, and a prefix at most two boundaries: 3.6 MB for a hundred thousand prefixes.
struct CountryTable: Sendable {
    /// A country code of two letters (ISO 3166-1); zero is none.
    struct Country: Hashable, Sendable, CustomStringConvertible {
        fileprivate let code: UInt16

        fileprivate static let none = Country(code: 0)

        private init(code: UInt16) {
            self.code = code
        }

        /// Parses two letters, of either case.
        init?(_ text: some StringProtocol) {
            let letters = text.uppercased().utf8
            guard letters.count == 2, letters.allSatisfy({ UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 }) else {
                return nil
            }
            self.code = letters.reduce(0) { $0 << 8 | UInt16(truncatingIfNeeded: $1) }
        }

        var description: String {
            String(
                decoding: [UInt8(truncatingIfNeeded: self.code >> 8), UInt8(truncatingIfNeeded: self.code & 0xFF)],
                as: UTF8.self
            )
        }
    }

    /// What is wrong with a line.
    struct Fault: Error, Equatable {
        /// Line number, from 1.
        let line: Int
        let text: String
    }

    /// Ascending. The country at the same index of `countries` applies from each boundary to the next.
    private var starts: [UInt128] = []
    private var countries: [Country] = []

    /// The countries that have addresses.
    var known: Set<Country> { Set(self.countries).subtracting([.none]) }

    /// Number of boundaries.
    var count: Int { self.starts.count }

    /// Parses lines of a prefix and a country, separated by a comma, a semicolon or spaces; `#` begins a comment.
    init(_ text: some StringProtocol) throws(Fault) {
        var entries: [(prefix: NetworkPrefix, country: Country)] = []
        for (number, line) in String(text).textLines.enumerated() {
            let content = line.prefix { $0 != "#" }
            let words = content.split { $0 == "," || $0 == ";" || $0.isWhitespace }
            guard !words.isEmpty else { continue }
            guard words.count == 2, let prefix = NetworkPrefix(words[0]), let country = Country(words[1]) else {
                throw Fault(line: number + 1, text: line.cut(to: 80))
            }
            entries.append((prefix, country))
        }
        self.init(entries)
    }

    /// - Parameter entries: The last entry of a repeated prefix applies.
    init(_ entries: [(prefix: NetworkPrefix, country: Country)]) {
        // Outer prefixes before inner ones, equal prefixes in the given order.
        let sorted = entries.enumerated().sorted {
            let (left, right) = ($0.element.prefix, $1.element.prefix)
            return (left.first, left.length, $0.offset) < (right.first, right.length, $1.offset)
        }
        var open: [(last: UInt128, country: Country)] = []
        for (_, (prefix, country)) in sorted {
            let first = prefix.first.bits
            self.close(&open, before: first)
            self.begin(first, country)
            open.append((prefix.last.bits, country))
        }
        self.close(&open, before: nil)
    }

    /// Closes the prefixes that end before an address, or all of them for nil; the enclosing prefix continues.
    private mutating func close(_ open: inout [(last: UInt128, country: Country)], before first: UInt128?) {
        while let inner = open.last, first.map({ inner.last < $0 }) ?? true {
            open.removeLast()
            guard inner.last < .max else { continue }
            self.begin(inner.last + 1, open.last?.country ?? .none)
        }
    }

    private mutating func begin(_ start: UInt128, _ country: Country) {
        if self.starts.last == start {
            self.countries[self.countries.count - 1] = country
        } else if self.countries.last != country {
            self.starts.append(start)
            self.countries.append(country)
        }
    }

    /// Nil if no prefix contains the address.
    func country(of address: NetworkAddress) -> Country? {
        var low = 0
        var high = self.starts.count
        while low < high {
            let middle = (low + high) / 2
            if self.starts[middle] <= address.bits {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low > 0, self.countries[low - 1] != .none else { return nil }
        return self.countries[low - 1]
    }
}

// SPDX-License-Identifier: Apache-2.0

import JSON

/// Which country an address is in: the longest prefix that holds it decides.
///
/// Prefixes are laid out flat once, as places where the country changes, so that a lookup is one binary search and a
/// table takes 18 bytes a place, at most two places a prefix: 3.6 MB for a hundred thousand.
struct CountryTable: Sendable {
    /// A country's two letters (ISO 3166-1); zero is none.
    struct Country: Hashable, Sendable, CustomStringConvertible {
        fileprivate let code: UInt16

        fileprivate static let none = Country(code: 0)

        private init(code: UInt16) {
            self.code = code
        }

        /// Reads two letters, of either case.
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
        /// From 1.
        let line: Int
        let text: String
    }

    /// Ascending; from each on the country at the same place in `countries` holds, up to the next.
    private var starts: [UInt128] = []
    private var countries: [Country] = []

    /// How many places the table has where the country changes.
    var count: Int { self.starts.count }

    /// Reads lines of a prefix and a country, with a comma, a semicolon or blanks between; `#` begins a comment.
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

    /// - Parameter entries: Where a prefix stands more than once, the last one holds.
    init(_ entries: [(prefix: NetworkPrefix, country: Country)]) {
        // An outer prefix before those inside it, the same prefix in the order given.
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

    /// Ends the prefixes that lie before an address, all of them for nil: the one around each goes on.
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

    /// Nil where no prefix holds the address.
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

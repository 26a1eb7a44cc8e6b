// SPDX-License-Identifier: Apache-2.0

import JSON

/// `data` as projections read it.
///
/// What the type's fields check is checked again: an operator may have replaced the type since, and what cannot be kept
/// as a row must not stop the log.
struct ProjectedData {
    /// A field is missing or is not what rows can hold, so the entry changes no row.
    struct Unprojectable: Error {}

    /// Longest text in a row, in UTF-8 bytes; a database's indexes take no more than about 2700.
    static let maxTextLength = 256
    /// Stands in where no currency is told.
    static let defaultCurrency = "USD"

    private let value: JSON.Value

    init(_ data: [UInt8]) throws(Unprojectable) {
        do throws(JSON.Fault) {
            self.value = try JSON.Value.parse(data)
        } catch {
            throw Unprojectable()
        }
    }

    private func member(_ name: String) -> JSON.Value? {
        self.value[name].flatMap { $0.isNull ? nil : $0 }
    }

    /// A text of 1 to ``maxTextLength`` bytes without control characters; U+0000 above all, which Postgres cannot keep.
    func text(_ name: String) throws(Unprojectable) -> String? {
        guard let member = self.member(name) else { return nil }
        guard let text = member.string, Self.isText(text) else { throw Unprojectable() }
        return text
    }

    func amount(_ name: String) throws(Unprojectable) -> Amount? {
        guard let member = self.member(name) else { return nil }
        guard let amount = member.string.flatMap({ Amount($0) }) else { throw Unprojectable() }
        return amount
    }

    func integer(_ name: String) throws(Unprojectable) -> Int? {
        guard let member = self.member(name) else { return nil }
        guard let integer = member.integer else { throw Unprojectable() }
        return integer
    }

    static func required<Value>(_ value: Value?) throws(Unprojectable) -> Value {
        guard let value else { throw Unprojectable() }
        return value
    }

    static func isText(_ text: String) -> Bool {
        (1...Self.maxTextLength).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

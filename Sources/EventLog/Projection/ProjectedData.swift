// SPDX-License-Identifier: Apache-2.0

import JSON

/// The `data` of an entry, as read by projections.
///
/// Repeats the checks of the type's fields: an operator may have replaced the type since, and content that cannot be
/// stored in a row must not block the log.
struct ProjectedData {
    /// A field is missing or cannot be stored in a row, so the entry changes no row.
    struct Unprojectable: Error {}

    /// Used if no currency is given.
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

    /// A text that can be stored in a row, see ``RowKey/isText(_:)``.
    func text(_ name: String) throws(Unprojectable) -> String? {
        guard let member = self.member(name) else { return nil }
        guard let text = member.string, RowKey.isText(text) else { throw Unprojectable() }
        return text
    }

    func amount(_ name: String) throws(Unprojectable) -> Amount? {
        guard let member = self.member(name) else { return nil }
        guard let amount = member.string.flatMap({ Amount($0) }) else { throw Unprojectable() }
        return amount
    }

    /// Any 64-bit integer, as accepted by earlier versions of this program: versions and sequences are only compared.
    func integer(_ name: String) throws(Unprojectable) -> Int? {
        guard let member = self.member(name) else { return nil }
        guard let integer = member.integer(in: .unlimited) else { throw Unprojectable() }
        return integer
    }

    static func required<Value>(_ value: Value?) throws(Unprojectable) -> Value {
        guard let value else { throw Unprojectable() }
        return value
    }
}

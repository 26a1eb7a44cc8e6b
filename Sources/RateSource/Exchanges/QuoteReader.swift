// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Reads the members of a quote. Numbers are strings or JSON numbers; their text is kept.
struct QuoteReader {
    let value: JSON.Value

    /// A required price: if present, it must be a number.
    func price(_ name: String) throws(Refusal) -> DecimalNumber? {
        try Self.price(self.value[name])
    }

    static func price(_ value: JSON.Value?) throws(Refusal) -> DecimalNumber? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string ?? value.number else { throw .notANumber }
        guard !text.isEmpty else { throw .empty }
        guard let number = DecimalNumber(text) else { throw .notANumber }
        return number
    }

    /// An optional figure: an unreadable value is omitted.
    func figure(_ name: String) -> DecimalNumber? {
        Self.figure(self.value[name])
    }

    static func figure(_ value: JSON.Value?) -> DecimalNumber? {
        value.flatMap { $0.string ?? $0.number }.flatMap { DecimalNumber($0) }
    }

    /// An optional price: zero means none.
    func priceFigure(_ name: String) -> DecimalNumber? {
        Self.priceFigure(self.value[name])
    }

    static func priceFigure(_ value: JSON.Value?) -> DecimalNumber? {
        Self.figure(value).flatMap { $0.isZero ? nil : $0 }
    }

    /// A time as an integer since 1970; the unit follows from its size: seconds, milli-, micro- or nanoseconds.
    func unixTime(_ name: String) -> Timestamp? {
        guard let number = self.value[name]?.integer(in: .unlimited), number > 0 else { return nil }
        let nanosecondsPerUnit =
            switch number {
            case ..<100_000_000_000: 1_000_000_000
            case ..<100_000_000_000_000: 1_000_000
            case ..<100_000_000_000_000_000: 1_000
            default: 1
            }
        let (nanoseconds, isOver) = Int64(clamping: number).multipliedReportingOverflow(
            by: Int64(clamping: nanosecondsPerUnit)
        )
        return isOver ? nil : Timestamp(nanoseconds: nanoseconds)
    }

    func time(_ name: String) -> Timestamp? {
        self.value[name]?.string.flatMap { Timestamp(rfc3339: $0) }
    }
}

extension Incoming {
    /// Outcome of a quote that may be rejected.
    static func reading(_ read: () throws(Refusal) -> Quote) -> Incoming {
        do throws(Refusal) {
            return .quote(try read().checked())
        } catch {
            return .refused(error)
        }
    }

    /// Maximum length of an exchange's message that is kept.
    private static let maxText = 200

    /// A rejection with the exchange's message, of which there may be any number.
    static func rejected(_ parts: String?...) -> Incoming {
        .rejected(String(parts.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ": ").prefix(maxText)))
    }
}

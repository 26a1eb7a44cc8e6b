// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// The positions of one event as `events.positions` holds them: a JSON array `[channel, seq, channel, seq …]` in the
/// order of the event's keys.
struct PositionList {
    struct Element: Equatable {
        /// `channels.id`.
        var channel: Int
        var seq: Int
    }

    var elements: [Element]

    init(_ elements: [Element]) {
        self.elements = elements
    }

    /// Reads what ``text`` wrote.
    init(parsing text: [UInt8]) throws(TapeFault) {
        let numbers = text.dropFirst().dropLast().split(separator: UInt8(ascii: ","))
            .map { Int(decimal: $0, in: .seq) }
        self.elements = []
        for index in stride(from: 0, to: numbers.count - 1, by: 2) {
            guard let channel = numbers[index], let seq = numbers[index + 1] else { break }
            self.elements.append(Element(channel: channel, seq: seq))
        }
        guard !self.elements.isEmpty, self.elements.count * 2 == numbers.count else {
            throw .damaged("malformed list of positions: \(String(decoding: text, as: UTF8.self))")
        }
    }

    var text: [UInt8] {
        var text = [UInt8(ascii: "[")]
        text.reserveCapacity(16 * self.elements.count)
        for element in self.elements {
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            Self.append(element.channel, to: &text)
            text.append(UInt8(ascii: ","))
            Self.append(element.seq, to: &text)
        }
        text.append(UInt8(ascii: "]"))
        return text
    }

    /// - Parameter number: Not negative.
    private static func append(_ number: Int, to text: inout [UInt8]) {
        let start = text.count
        var rest = number
        repeat {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        text[start...].reverse()
    }
}

// SPDX-License-Identifier: Apache-2.0

import JSON
package import NIOCore

/// The beginning of an `event` message: everything but its time and data, and without copying anything.
///
/// For receivers of many thousand events per second that count instead of reading. Knows the order and the spelling in
/// which the hub writes events, and is nil for everything else, be it valid or not: read that with ``Message``.
package struct EventHeading: Sendable, Equatable {
    /// Where in the message the channel's name is; it has no escapes.
    package var channel: Range<Int>
    /// The event's number in the channel.
    package var seq: Int
    /// How many events it replaces besides itself.
    package var skipped: Int
    /// Where in the message the event's id is; it has no escapes.
    package var id: Range<Int>

    /// Reads the heading of a text message.
    package init?(_ text: ByteBuffer) {
        self.init(text.readableBytesUInt8Span)
    }

    /// Reads the heading of a text message: `{"op":"event","channel":"…","seq":1,"skipped":2,"id":"…",`.
    package init?(_ text: borrowing Span<UInt8>) {
        var index = 0
        guard Self.skip("{\"op\":\"event\",\"channel\":\"", in: text, at: &index),
            let channel = Self.plainString(in: text, at: &index),
            Self.skip(",\"seq\":", in: text, at: &index),
            let seq = Self.integer(in: text, at: &index)
        else { return nil }
        var skipped = 0
        if Self.skip(",\"skipped\":", in: text, at: &index) {
            guard let count = Self.integer(in: text, at: &index) else { return nil }
            skipped = count
        }
        guard Self.skip(",\"id\":\"", in: text, at: &index),
            let id = Self.plainString(in: text, at: &index),
            index < text.count, text[index] == UInt8(ascii: ",")
        else { return nil }
        self.channel = channel
        self.seq = seq
        self.skipped = skipped
        self.id = id
    }

    private static func skip(_ expected: StaticString, in text: borrowing Span<UInt8>, at index: inout Int) -> Bool {
        let count = expected.utf8CodeUnitCount
        guard text.count - index >= count else { return false }
        let start = index
        let isEqual = expected.withUTF8Buffer { bytes in
            for offset in 0..<count where unsafe bytes[offset] != text[start + offset] { return false }
            return true
        }
        if isEqual { index += count }
        return isEqual
    }

    /// The inside of a string whose opening quote was passed; nil for one with escapes.
    private static func plainString(in text: borrowing Span<UInt8>, at index: inout Int) -> Range<Int>? {
        let start = index
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return start..<index - 1
            }
            if byte == UInt8(ascii: "\\") { return nil }
            index += 1
        }
        return nil
    }

    /// At most 16 digits: what a JavaScript number holds exactly.
    private static func integer(in text: borrowing Span<UInt8>, at index: inout Int) -> Int? {
        let start = index
        var value = 0
        while index < text.count, index - start <= 16 {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            value = value * 10 + Int(digit)
            index += 1
        }
        return (1...16).contains(index - start) && ClosedRange.seq.contains(value) ? value : nil
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Appends JSON to a byte array.
///
/// Places commas and colons; that begins and ends match, and that members have names, is up to the caller.
/// Strings are written as UTF-8 with only the escapes that RFC 8259 §7 requires.
package struct Writer: Sendable {
    /// What has been written.
    package private(set) var bytes: [UInt8] = []
    /// Whether the next name or value comes after another one in the same array or object.
    private var needsComma = false

    /// Starts with nothing written and room for that many bytes.
    package init(reservingCapacity capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    /// Writes `{`.
    package mutating func beginObject() { begin(.openBrace) }

    /// Writes `}`.
    package mutating func endObject() { end(.closeBrace) }

    /// Writes `[`.
    package mutating func beginArray() { begin(.openBracket) }

    /// Writes `]`.
    package mutating func endArray() { end(.closeBracket) }

    /// Writes a member's name and its colon; its value must follow.
    package mutating func name(_ name: String) {
        beginValue()
        appendString(name)
        bytes.append(.colon)
        needsComma = false
    }

    /// Writes a string value.
    package mutating func string(_ value: String) {
        beginValue()
        appendString(value)
    }

    /// Writes an integer value.
    package mutating func integer(_ value: some FixedWidthInteger) {
        beginValue()
        bytes.append(contentsOf: value.description.utf8)
    }

    /// Writes `true` or `false`.
    package mutating func bool(_ value: Bool) {
        beginValue()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    /// Writes `null`.
    package mutating func null() {
        beginValue()
        bytes.append(contentsOf: "null".utf8)
    }

    /// Writes a value that is already JSON, as it is. It must be one valid value, as ``Value/text`` is.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        beginValue()
        bytes.append(contentsOf: json)
    }

    /// The same for an array, which is copied in one go.
    package mutating func raw(_ json: [UInt8]) {
        beginValue()
        bytes.append(contentsOf: json)
    }

    private mutating func begin(_ bracket: UInt8) {
        beginValue()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func end(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func beginValue() {
        if needsComma { bytes.append(.comma) }
        needsComma = true
    }

    private mutating func appendString(_ value: String) {
        Self.append(value, to: &bytes)
    }

    /// Appends a string value to JSON that is put together without a writer.
    package static func append(_ value: String, to bytes: inout [UInt8]) {
        bytes.append(.quote)
        let start = bytes.count
        bytes.append(string: value)
        let stop = bytes.span.pastUnescapedText(from: start, before: bytes.count)
        if stop < bytes.count {
            bytes.removeSubrange(stop...)
            for byte in value.utf8.dropFirst(stop - start) {
                if byte.mustBeEscaped {
                    appendEscape(byte, to: &bytes)
                } else {
                    bytes.append(byte)
                }
            }
        }
        bytes.append(.quote)
    }

    private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(.backslash)
        switch byte {
        case .quote, .backslash: bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            bytes.append(contentsOf: (byte < 0x10 ? "u000" : "u00").utf8)
            bytes.append(contentsOf: String(byte, radix: 16).utf8)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

extension Value {
    /// Reads a text that is one JSON value, with whitespace around it allowed.
    ///
    /// `maxDepth` is how many arrays and objects may be inside each other; zero allows only scalars.
    package static func parse(_ bytes: [UInt8], maxDepth: Int = 64) throws(Fault) -> Value {
        try parse(bytes, in: bytes.indices, maxDepth: maxDepth)
    }

    /// Reads a part of a buffer that is one JSON value, such as a line of NDJSON. The value keeps the whole buffer.
    ///
    /// The offset of a fault is relative to the buffer. What lies outside the buffer is taken as missing.
    /// `maxDepth` is how many arrays and objects may be inside each other; zero allows only scalars.
    package static func parse(_ bytes: [UInt8], in range: Range<Int>, maxDepth: Int = 64) throws(Fault) -> Value {
        var scanner = Scanner(range: range.clamped(to: bytes.indices), maxDepth: maxDepth)
        let span = bytes.span
        scanner.skipSurroundingWhitespace(span)
        let start = scanner.position
        try scanner.scanValue(span)
        let end = scanner.position
        scanner.skipSurroundingWhitespace(span)
        guard scanner.position == scanner.end else {
            throw Fault(offset: scanner.position, reason: .trailingBytes)
        }
        return Value(storage: bytes, start: start, end: end, spacing: scanner.hasWhitespace ? .some : .none)
    }
}

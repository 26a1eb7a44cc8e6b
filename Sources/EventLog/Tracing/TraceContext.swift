// SPDX-License-Identifier: Apache-2.0

import JSON

/// The position of an operation in a distributed trace: W3C Trace Context, `traceparent` version 00.
package struct TraceContext: Sendable, Hashable {
    /// As it is sent: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`.
    package let traceparent: String

    /// The positions of the parts of ``traceparent``.
    private enum Part {
        static let trace = 3..<35
        static let parent = 36..<52
        static let flags = 53..<55
        static let length = 55
    }

    /// Parses a received header; nil unless it is well formed (§3.2.2). Of versions after 00, only the parts known here
    /// are used.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= Part.length, bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash,
            Self.isHex(bytes[0..<2]), Self.isHex(bytes[Part.trace]), Self.isHex(bytes[Part.parent]),
            Self.isHex(bytes[Part.flags])
        else { return nil }
        let isVersionZero = bytes[0] == Self.zero && bytes[1] == Self.zero
        let isVersionAllowed = !bytes[0..<2].elementsEqual("ff".utf8)
        guard isVersionAllowed, bytes.count == Part.length || (!isVersionZero && bytes[Part.length] == Self.dash),
            bytes[Part.trace].contains(where: { $0 != Self.zero }),
            bytes[Part.parent].contains(where: { $0 != Self.zero })
        else { return nil }
        self.traceparent = "00-" + String(decoding: bytes[Part.trace.lowerBound..<Part.length], as: UTF8.self)
    }

    private init(trace: String, parent: String, isSampled: Bool) {
        self.traceparent = "00-\(trace)-\(parent)-\(isSampled ? "01" : "00")"
    }

    /// Starts a new trace.
    package static func begin() -> TraceContext {
        TraceContext(
            trace: Self.hex(.random(in: 1 ... .max)) + Self.hex(.random(in: .min ... .max)),
            parent: Self.hex(.random(in: 1 ... .max)),
            isSampled: true
        )
    }

    /// A child operation of this one.
    package func child() -> TraceContext {
        TraceContext(trace: self.traceID, parent: Self.hex(.random(in: 1 ... .max)), isSampled: self.isSampled)
    }

    package var traceID: String { self.part(Part.trace) }
    /// The id of this operation, which is the parent of the operations it causes.
    package var spanID: String { self.part(Part.parent) }
    /// Whether the caller that started the trace records it.
    package var isSampled: Bool { (Int(hexadecimal: self.part(Part.flags).utf8, in: 0...255) ?? 0) & 1 == 1 }

    private func part(_ range: Range<Int>) -> String {
        let bytes = self.traceparent.utf8
        let start = bytes.index(bytes.startIndex, offsetBy: range.lowerBound)
        return String(self.traceparent[start..<bytes.index(start, offsetBy: range.count)])
    }

    private static let dash = UInt8(ascii: "-")
    private static let zero = UInt8(ascii: "0")

    private static func isHex(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

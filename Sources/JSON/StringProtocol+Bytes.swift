// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Texts as what they are on the wire and in a database: bytes. A `Character` is made of as many scalars as belong
/// together, so a colon with a combining mark behind it is no colon to `split` and `firstIndex(of:)`.
extension StringProtocol {
    /// Equality without Unicode's canonical equivalence: for names that decide who sees what.
    package func hasSameBytes(as other: some StringProtocol) -> Bool {
        let isEqual = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                guard left.count == right.count else { return false }
                guard let one = left.baseAddress, let two = right.baseAddress else { return true }
                return unsafe memcmp(one, two, left.count) == 0
            }
        }
        return (isEqual ?? nil) ?? utf8.elementsEqual(other.utf8)
    }

    /// Whether this comes before another text in the order of their bytes, which is that of their scalars and of the
    /// databases.
    package func precedes(_ other: some StringProtocol) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }

    /// Whether there is no ASCII control character in it.
    package var hasNoControls: Bool {
        let isFree = utf8.withContiguousStorageIfAvailable { bytes in
            unsafe !bytes.contains { $0 < 0x20 || $0 == 0x7F }
        }
        return isFree ?? !utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
}

extension StringProtocol where SubSequence == Substring {
    /// The parts before and behind the first occurrence of an ASCII character; nil when it is not there.
    package func split(atFirst character: Unicode.Scalar) -> (before: Substring, behind: Substring)? {
        guard let place = utf8.firstIndex(of: UInt8(ascii: character)) else { return nil }
        return (self[..<place], self[utf8.index(after: place)...])
    }

    /// The parts between occurrences of an ASCII character, also empty ones.
    package func parts(between character: Unicode.Scalar) -> [Substring] {
        self[...].utf8.split(separator: UInt8(ascii: character), omittingEmptySubsequences: false)
            .map { Substring($0) }
    }

    /// The lines, without their ends, be they LF or CR LF; to `Character` CR LF is one that is no LF.
    package var textLines: [Substring] {
        parts(between: "\n").map { line in
            line.utf8.last == UInt8(ascii: "\r") ? Substring(line.utf8.dropLast()) : line
        }
    }

    /// What follows on a beginning; nil when it does not begin so.
    package func rest(after prefix: some StringProtocol) -> Substring? {
        guard utf8.starts(with: prefix.utf8) else { return nil }
        return self[utf8.index(startIndex, offsetBy: prefix.utf8.count)...]
    }

    /// The part before an end; nil when it does not end so.
    package func beginning(before suffix: some StringProtocol) -> Substring? {
        let bytes = self[...].utf8
        guard bytes.count >= suffix.utf8.count, bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) else {
            return nil
        }
        return Substring(bytes.dropLast(suffix.utf8.count))
    }

    /// At most so many scalars of it, the last one an ellipsis where something is left out. A `Character` may have any
    /// number of them.
    package func cut(to count: Int) -> String {
        guard utf8.count > count, unicodeScalars.count > count else { return String(self) }
        return String(String.UnicodeScalarView(unicodeScalars.prefix(Swift.max(0, count - 1)))) + "…"
    }
}

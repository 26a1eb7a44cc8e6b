// SPDX-License-Identifier: Apache-2.0

/// The names of the objects that are open, to find one given twice (RFC 7493 §2.3).
///
/// Names are compared as unescaped bytes, not as Swift strings: "é" composed and decomposed are two names.
struct MemberNames {
    /// A name, in the text or, if it has escapes, unescaped in `unescaped`.
    struct Name {
        /// Index of the opening quote in the text.
        var offset: Int
        var start: Int
        var count: Int
        var isUnescapedCopy: Bool
    }

    /// An object with more names is checked once at its end, by sorting, so that the work is not quadratic.
    private static let comparedAtOnce = 16

    private var names: [Name] = []
    private var unescaped: [UInt8] = []

    /// Number of names in all open objects.
    var count: Int { names.count }

    /// Adds a name to the innermost object and returns it if that object is small and already has it.
    ///
    /// `firstName` is the number of names there were when the object was opened.
    mutating func add(_ content: Range<Int>, of bytes: Span<UInt8>, hasEscapes: Bool, firstName: Int) -> Name? {
        var name = Name(
            offset: content.lowerBound - 1,
            start: content.lowerBound,
            count: content.count,
            isUnescapedCopy: false
        )
        if hasEscapes {
            name.start = unescaped.count
            name.isUnescapedCopy = true
            bytes.unescape(content, into: &unescaped)
            name.count = unescaped.count - name.start
        }
        if names.count - firstName < Self.comparedAtOnce {
            for index in firstName..<names.count where areEqual(names[index], name, in: bytes) {
                return name
            }
        }
        if names.isEmpty { names.reserveCapacity(Self.comparedAtOnce) }
        names.append(name)
        return nil
    }

    /// Forgets the names of the innermost object; returns one that was there twice.
    mutating func close(firstName: Int, in bytes: Span<UInt8>) -> Name? {
        if names.count - firstName > Self.comparedAtOnce {
            let sorted = names[firstName...].sorted { isOrdered($0, before: $1, in: bytes) }
            for (name, next) in zip(sorted, sorted.dropFirst()) where areEqual(name, next, in: bytes) {
                return name.offset < next.offset ? next : name
            }
        }
        if !unescaped.isEmpty, let first = names[firstName...].first(where: \.isUnescapedCopy) {
            unescaped.removeSubrange(first.start...)
        }
        names.removeLast(names.count - firstName)
        return nil
    }

    /// The name as a string.
    func text(of name: Name, in bytes: Span<UInt8>) -> String {
        var text: [UInt8] = []
        for index in 0..<name.count { text.append(byte(index, of: name, in: bytes)) }
        return String(decoding: text, as: UTF8.self)
    }

    private func areEqual(_ one: Name, _ other: Name, in bytes: Span<UInt8>) -> Bool {
        guard one.count == other.count else { return false }
        for index in 0..<one.count where byte(index, of: one, in: bytes) != byte(index, of: other, in: bytes) {
            return false
        }
        return true
    }

    /// Any total order will do; length first is the cheapest.
    private func isOrdered(_ one: Name, before other: Name, in bytes: Span<UInt8>) -> Bool {
        guard one.count == other.count else { return one.count < other.count }
        for index in 0..<one.count {
            let (left, right) = (byte(index, of: one, in: bytes), byte(index, of: other, in: bytes))
            if left != right { return left < right }
        }
        return false
    }

    private func byte(_ index: Int, of name: Name, in bytes: Span<UInt8>) -> UInt8 {
        name.isUnescapedCopy ? unescaped[name.start + index] : bytes[name.start + index]
    }
}

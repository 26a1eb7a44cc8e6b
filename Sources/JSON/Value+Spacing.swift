// SPDX-License-Identifier: Apache-2.0

extension Value {
    /// Whether there is no whitespace between the tokens. Known for a parsed text and for all parts of a compact one,
    /// found by going over the text otherwise.
    package var isCompact: Bool {
        switch spacing {
        case .none: true
        case .some: false
        case .unknown: storage.span.firstWhitespace(from: start, before: end) == nil
        }
    }

    /// The value as it was written, without whitespace between the tokens, hence on one line.
    ///
    /// Copies nothing if the value is compact and is its whole text.
    package func compacted() -> [UInt8] {
        if isCompact { return start == 0 && end == storage.count ? storage : Array(text) }
        var result: [UInt8] = []
        result.reserveCapacity(end - start)
        let bytes = storage.span
        var index = start
        while index < end {
            let stop = bytes.firstWhitespace(from: index, before: end) ?? end
            result.append(contentsOf: storage[index..<stop])
            index = bytes.pastWhitespace(from: stop, before: end)
        }
        return result
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Finds what somebody who misspelled a word may have meant.
enum Suggestion {
    /// `; did you mean "…"?`, or nothing when no word is near.
    static func hint(for word: String, among known: [String]) -> String {
        let scored = known.map { (word: $0, distance: Self.distance(Self.folded(word), Self.folded($0))) }
        guard let best = scored.min(by: { $0.distance < $1.distance }), best.distance <= max(1, word.count / 3) else {
            return ""
        }
        return "; did you mean \"\(best.word)\"?"
    }

    private static func folded(_ word: String) -> [Character] {
        Array(word.lowercased().filter { $0 != "-" && $0 != "_" })
    }

    /// Levenshtein distance: the least number of characters to insert, delete or replace.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var row = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = character == other ? diagonal : min(diagonal, above, row[j]) + 1
                diagonal = above
            }
        }
        return row[right.count]
    }
}

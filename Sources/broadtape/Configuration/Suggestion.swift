// SPDX-License-Identifier: Apache-2.0

/// Suggests corrections for misspelled words.
enum Suggestion {
    /// `; did you mean "…"?`, or empty if no word is similar.
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

    /// Optimal string alignment distance: insertions, deletions, substitutions and swaps of adjacent characters.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var row = [i + 1]
            for (j, other) in right.enumerated() {
                var least = character == other ? last[j] : min(last[j], last[j + 1], row[j]) + 1
                if i > 0, j > 0, character == right[j - 1], left[i - 1] == other {
                    least = min(least, beforeLast[j - 1] + 1)
                }
                row.append(least)
            }
            beforeLast = last
            last = row
        }
        return last[right.count]
    }
}

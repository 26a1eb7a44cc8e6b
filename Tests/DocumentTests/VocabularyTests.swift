// SPDX-License-Identifier: Apache-2.0

import Testing

/// Plain words: those of ``Vocabulary`` are not used.
struct VocabularyTests {
    /// Words by the first of them.
    private static let phrases = Dictionary(
        grouping: Vocabulary.words.keys.map { $0.split(separator: " ").map(String.init) },
        by: { $0[0] }
    )

    @Test(arguments: Document.all)
    func documentsUsePlainWords(document: Document) {
        let found = document.prose.flatMap { text, line in
            Self.phrases(in: text).map { "\(document.path):\(line): \($0)" }
        }
        if Vocabulary.exemptDocuments.contains(document.path) {
            #expect(!found.isEmpty, "\(document.path) needs no exemption any more")
        } else {
            #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
        }
    }

    /// In comments and in texts that the program shows.
    @Test(arguments: Set(SourceTree.present.files.map(Self.folder)).sorted())
    func codeUsesPlainWords(folder: String) {
        var found: [String] = []
        // The list itself and its tests have them all.
        for file in SourceTree.present.files
        where Self.folder(of: file) == folder && !file.path.contains("/Vocabulary") {
            for (index, line) in file.lines.enumerated() {
                found += Self.phrases(in: Self.text(in: line)).map { "\(file.path):\(index + 1): \($0)" }
            }
        }
        let limit = Vocabulary.limits[folder, default: 0]
        #expect(found.count <= limit, "\(found.count), at most \(limit):\n\(found.joined(separator: "\n"))")
    }

    @Test(arguments: Vocabulary.renamings)
    func namesAreThoseOfTheField(renaming: Vocabulary.Renaming) {
        let declared = renaming.folders.reduce(into: Set<String>()) {
            $0.formUnion(SourceTree.present.declared[$1, default: []])
        }
        let left = renaming.names.filter { declared.contains($0.key) }.sorted { $0.key < $1.key }
        if renaming.isDone {
            #expect(left.isEmpty, "\(left.map { "\($0.key) is called \($0.value)" })")
        } else {
            #expect(!left.isEmpty, "all of them are gone: isDone")
        }
    }

    @Test(arguments: [
        ("What was told of late.", ["told: delivered, sent, reported", "of late: recently"]),
        ("Of later events, and a stand-by", ["stand: be, remain, be stored"]),
        ("Nothing to see", []),
    ])
    func phrasesAreFound(text: String, expected: [String]) {
        #expect(Self.phrases(in: text) == expected)
    }

    @Test(arguments: [
        ("    /// Told at https://a.example.", " Told at https://a.example."),
        (#"let text = "it was \"told\"" // of late"#, "it was told of late"),
        ("let told = 1", ""), (#""a \(told("of late")) b""#, "a b"),
    ])
    func commentsAndTextsAreRead(line: String, text: String) {
        #expect(Self.text(in: line).split(separator: " ") == text.split(separator: " "))
    }

    private static func folder(of file: SourceTree.File) -> String {
        file.path.split(separator: "/").prefix(2).joined(separator: "/")
    }

    /// Each with what to write instead.
    private static func phrases(in text: String) -> [String] {
        let words = text.lowercased().split { !$0.isLetter && $0 != "'" }.map(String.init)
        return words.indices.flatMap { index in
            Self.phrases[words[index], default: []].compactMap { phrase in
                guard words[index...].starts(with: phrase) else { return nil }
                let text = phrase.joined(separator: " ")
                return "\(text): \(Vocabulary.words[text, default: ""])"
            }
        }
    }

    /// The comment of a line of Swift, and what is between its quotes without interpolations.
    private static func text(in line: String) -> String {
        guard line.contains("//") || line.contains("\"") else { return "" }
        var text = ""
        var isQuoted = false
        var rest = Substring(line)
        while let character = rest.first {
            if !isQuoted, rest.hasPrefix("//") { return text + " " + rest.drop { $0 == "/" } }
            rest.removeFirst()
            if character == "\"" {
                isQuoted.toggle()
                text += " "
            } else if character == "\\" {
                if rest.hasPrefix("(") { rest = Self.afterParentheses(rest) } else { rest = rest.dropFirst() }
                text += " "
            } else if isQuoted {
                text.append(character)
            }
        }
        return text
    }

    /// What follows the parenthesis that closes the one at the beginning.
    private static func afterParentheses(_ text: Substring) -> Substring {
        var depth = 0
        let end = text.firstIndex { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return depth == 0
        }
        return end.map { text[text.index(after: $0)...] } ?? ""
    }
}

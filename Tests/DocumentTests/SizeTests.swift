// SPDX-License-Identifier: Apache-2.0

import Testing

/// Files and functions are short.
struct SizeTests {
    private static let fileLimit = 400
    private static let functionLimit = 70
    /// Those that are longer for the time being. The list shrinks.
    private static let longFunctions: Set<String> = [
        "Sources/Hub/Hub.swift init", "Sources/broadtape/Commands/Serve.swift run",
        "Sources/broadtape/Configuration/Settings.swift init", "Tests/ServerTests/Support/TestServer.swift withServer",
    ]

    @Test func filesAreShort() {
        for file in SourceTree.present.files {
            #expect(
                file.lines.count <= Self.fileLimit,
                "\(file.path):1: \(file.lines.count) lines, at most \(Self.fileLimit)"
            )
        }
    }

    @Test func functionsAreShort() {
        var exempt = Self.longFunctions
        for file in SourceTree.present.files {
            for (name, line, count) in Self.functions(in: file.lines) where count > Self.functionLimit {
                let isExempt = exempt.remove("\(file.path) \(name)") != nil
                #expect(isExempt, "\(file.path):\(line): \(name) has \(count) lines, at most \(Self.functionLimit)")
            }
        }
        #expect(exempt.isEmpty, "no exemption needed any more: \(exempt.sorted())")
    }

    @Test func functionsAreMeasuredFromHeadToBrace() {
        let lines = """
            struct A {
                func short() { 1 }
                private static func long(
                    _ a: Int
                ) -> Int
                {
                    if a == 1 {
                    }
                }
                init?() {
                }
            }
            protocol P {
                func none()
            }
            """
        let found = Self.functions(in: lines.split(separator: "\n").map(String.init))
        #expect(found.map(\.name) == ["short", "long", "init", "none"])
        #expect(found.map(\.line) == [2, 3, 10, 14])
        #expect(found.map(\.count) == [1, 7, 2, 1])
    }

    /// Functions by their heads, and how many lines each has up to the brace below its head; one for those
    /// without a body of their own lines.
    private static func functions(in lines: [String]) -> [(name: String, line: Int, count: Int)] {
        var found: [(name: String, line: Int, count: Int)] = []
        for (index, line) in lines.enumerated() {
            guard let name = Self.functionName(in: line) else { continue }
            let indent = line.prefix { $0 == " " }
            let end = lines[(index + 1)...].firstIndex { next in
                // What is indented no further than the head is its own end, or comes after the function.
                guard !next.isEmpty, next.prefix(while: { $0 == " " }).count <= indent.count else { return false }
                return ![")", "{", "where "].contains { next.hasPrefix(indent + $0) }
            }
            let isClosed = end.map { lines[$0] == indent + "}" } ?? false
            found.append((name, index + 1, isClosed ? (end ?? index) - index + 1 : 1))
        }
        return found
    }

    private static func functionName(in line: String) -> String? {
        let words = line.split(separator: " ").prefix { !$0.hasPrefix("//") }
        for (word, next) in zip(words, words.dropFirst()) where word == "func" {
            return String(next.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
        }
        let head = words.first { !Self.modifiers.contains(String($0)) && !$0.hasPrefix("@") }
        return head.flatMap { $0.starts(with: #/init[?(<]/#) ? "init" : nil }
    }

    private static let modifiers: Set<String> = [
        "package", "private", "fileprivate", "public", "convenience", "required",
    ]
}

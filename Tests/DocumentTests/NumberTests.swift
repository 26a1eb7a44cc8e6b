// SPDX-License-Identifier: Apache-2.0

import Testing

/// Numbers from outside are read in one way, within limits, and nothing that a peer sends traps.
struct NumberTests {
    private static let files = SourceTree.present.files.filter { file in
        NumberRules.folders.contains { file.path.hasPrefix($0) } && file.path != NumberRules.reader
    }

    @Test(arguments: NumberRules.refusals)
    func codeThatMayTrapIsNotWritten(refusal: NumberRules.Refusal) throws {
        var exempt = Set(refusal.exemptions.keys)
        let pattern = try Self.regex(refusal.pattern)
        for file in Self.files
        where refusal.folders?.contains(where: { file.path.hasPrefix($0) }) ?? true {
            let found = Self.lines(of: file, with: refusal.words) { code in
                pattern.isFound(in: code) && !refusal.isRight.contains { code.contains($0) }
            }
            if exempt.remove(file.path) != nil, !found.isEmpty { continue }
            #expect(refusal.exemptions[file.path] == nil, "\(file.path): needs no exemption any more")
            for (line, code) in found { Issue.record("\(file.path):\(line): \(code)\n    \(refusal.advice)") }
        }
        #expect(exempt.isEmpty, "there is no \(exempt.sorted())")
    }

    @Test func conversionsSayWhatBecomesOfWhatDoesNotFit() throws {
        var others = Set(NumberRules.otherConversions.keys)
        let idioms = try NumberRules.conversions.map { try Self.regex($0.pattern) }
        for file in Self.files {
            for (line, code) in Self.lines(of: file, with: ["Int"], where: { _ in true }) {
                for conversion in Self.conversions(in: code) where !idioms.contains(where: { conversion.isAll($0) }) {
                    others.remove("\(file.path) \(conversion)")
                    guard NumberRules.otherConversions["\(file.path) \(conversion)"] == nil else { continue }
                    Issue.record(
                        """
                        \(file.path):\(line): \(conversion) traps on what does not fit
                            of a number from outside: Int(decimal:in:), Int(hexadecimal:in:), Int(_:in:) or integer(in:)
                            of a fraction: Int(clamping:to:); of another integer: clamping:, truncatingIfNeeded:, exactly:
                        """
                    )
                }
            }
        }
        #expect(others.isEmpty, "there is no \(others.sorted())")
    }

    @Test func nothingIsComputedWithNumbersWithoutLimits() throws {
        var exempt = Set(NumberRules.computed.keys)
        for file in Self.files {
            for (line, name, code) in try Self.computations(in: file) {
                exempt.remove("\(file.path) \(name)")
                guard NumberRules.computed["\(file.path) \(name)"] == nil else { continue }
                Issue.record(
                    """
                    \(file.path):\(line): \(code)
                        \(name) is read without limits in this file: read it within .seq, or the limit of what it means
                    """
                )
            }
        }
        #expect(exempt.isEmpty, "nothing is computed with \(exempt.sorted())")
    }

    // MARK: - The rules themselves

    @Test(arguments: [
        #"let after = Int.init(text)"#, #"fields["retry-after"].flatMap(Int.init)"#,
        #"guard let speed = Double(text) else {"#, #"text.flatMap { Double($0) }"#,
        #"try JSONDecoder().decode(A.self, data)"#,
        #"seq = seq * 10 + Int(digit)"#, #"value = value << 4 | digit"#, #"value.integer(in: 0...Int.max)"#,
        #"Int(decimal: text, in: 0 ... .max)"#, #"Dictionary(uniqueKeysWithValues: pairs)"#, #"try! parse(text)"#,
        #"rows.first!.count"#, #"let last = rows.last!"#, #"value as! Int"#, #"fatalError("no")"#,
        #"self.counted.missing += missing.count"#, #"sum += event.skipped"#,
        #"name.hasPrefix(prefix)"#, #"text.split(separator: "")"#, #"name.firstIndex(of: "")"#,
    ])
    func refusedCodeIsFound(code: String) throws {
        let isFound = try NumberRules.refusals.contains { refusal in
            try refusal.words.contains { code.contains($0) } && Self.regex(refusal.pattern).isFound(in: code)
        }
        #expect(isFound)
    }

    @Test(arguments: [
        #"let after = Int(decimal: text, in: .seq)"#, #"let share = Double(done) / Double(total)"#, #"a != b"#,
        #"guard !isEmpty, !(a && b) else { return }"#, #"Int.random(in: 0..<9)"#, #"String(value, radix: 16)"#,
        #"sum.addClamped(event.skipped)"#, #"count += 1"#, #"name.utf8.split(separator: UInt8(ascii: ""))"#,
    ])
    func otherCodeIsLeftAlone(code: String) throws {
        for refusal in NumberRules.refusals {
            #expect(try !Self.regex(refusal.pattern).isFound(in: code), "\(refusal)")
        }
    }

    @Test(arguments: [
        ("Int(text)", ["Int(text)"]), ("names.map { Int($0) }", ["Int($0)"]), ("UInt16(length)", ["UInt16(length)"]),
        ("UInt64(text, radix: 16)", ["UInt64(text, radix: 16)"]),
        ("Int(Double(a) * b)", ["Int(Double(a) * b)"]), ("Int(clamping: Int64(sum))", ["Int64(sum)"]),
        ("Int(time.nanoseconds / 1_000)", []), ("Int(clamping: sum)", []), ("Int(sum, in: .seq)", []),
        ("UInt8(ascii: \"a\")", []), ("UInt64(byte) << 8", []), ("Int32(-1)", []),
    ])
    func conversionsAreFound(code: String, expected: [String]) throws {
        let idioms = try NumberRules.conversions.map { try Self.regex($0.pattern) }
        let found = Self.conversions(in: code).filter { found in !idioms.contains { found.isAll($0) } }
        #expect(found == expected)
    }

    @Test(arguments: [
        ("after + 1", true), ("oldest - after", true), ("for seq in after..<head {", true), ("rows[after]", true),
        ("rows.prefix(after)", true), ("-after", true), ("total += after", true), ("0...after", true),
        ("after == head", false), ("rows.after + 1", false), ("afterwards + 1", false), ("page(after: 5)", false),
    ])
    func computationsAreFound(code: String, isFound: Bool) throws {
        let file = SourceTree.File(path: "a", lines: ["let after = value.integer(in: .unlimited)", code])
        #expect(try Self.computations(in: file).map(\.line) == (isFound ? [2] : []))
    }

    @Test(arguments: [
        (#"a + "b \(Int(c)) d" // Int(e)"#, ##"a + " (Int(c)) " "##),
        (##"x(#"a "b" \#(c)"#) + 1"##, #"x(" (c) ") + 1"#),
        (#""\"Int(a)" + b"#, ##""" + b"##), ("plain", "plain"),
    ])
    func textsAndCommentsAreLeftOut(line: String, code: String) {
        #expect(SwiftCode.code(in: line) == code)
    }

    // MARK: - Reading

    /// With the boundaries of words that programs have: a point is one.
    private static func regex(_ pattern: String) throws -> Regex<AnyRegexOutput> {
        try Regex(pattern).wordBoundaryKind(.simple)
    }

    private static func lines(
        of file: SourceTree.File,
        with words: [String],
        where isWanted: (String) throws -> Bool
    ) rethrows -> [(line: Int, code: String)] {
        guard file.lines.contains(where: { line in words.contains { line.contains($0) } }) else { return [] }
        let codes = SwiftCode.lines(of: file.lines)
        return try codes.enumerated().compactMap { index, code in
            // A call's first argument may be on a line of its own.
            var code = code
            if code.hasSuffix("("), index + 1 < codes.count { code += codes[index + 1].drop { $0 == " " } }
            guard words.contains(where: { code.contains($0) }), try isWanted(code) else { return nil }
            return (index + 1, code.trimmingPrefix { $0 == " " }.description)
        }
    }

    /// Conversions to an integer whose argument has no label, without those that have their limits with them.
    private static func conversions(in code: String) -> [String] {
        code.matches(of: #/(?:^|[^\w.])(U?Int(?:8|16|32|64|128)?)\(/#).compactMap { match in
            let argument = SwiftCode.inParentheses(code[code.index(before: match.range.upperBound)...])
            let inside = argument.dropFirst().dropLast()
            guard inside.prefixMatch(of: #/\s*\w+:/#) == nil, !inside.contains(", in: ") else { return nil }
            return "\(match.1)\(argument)"
        }
    }

    /// Where something is computed with a number that the file reads without limits.
    private static func computations(
        in file: SourceTree.File
    ) throws -> [(line: Int, name: String, code: String)] {
        let unlimited = try Self.regex(NumberRules.unlimited)
        let readings = Self.lines(of: file, with: NumberRules.unlimitedWords) { unlimited.isFound(in: $0) }
        let names = Set(
            readings.compactMap { reading -> String? in
                guard let place = reading.code.firstMatch(of: unlimited)?.range.lowerBound else { return nil }
                return reading.code[..<place].matches(of: #/(\w+)(?:: [\w?]+)? = /#).last.map { String($0.1) }
            }
        )
        return try names.sorted().flatMap { name in
            // Beside an operator, at an end of a range, as an index, as a count of elements.
            let pattern = try Self.regex(
                #"(^|[^\w.])\#(name) ?([-+*/%]=? |\.\.[.<])|([-+*/%]=? |\.\.[.<]|(^|[ (\[,])-)\#(name)\b(?!\()|"#
                    + #"\[\#(name)\]|(prefix|suffix|dropFirst|dropLast|repeatElement|count:)\(?\s*\#(name)\b"#
            )
            return Self.lines(of: file, with: [name]) { pattern.isFound(in: $0) }.map { ($0.line, name, $0.code) }
        }
    }
}

extension Regex {
    fileprivate func isFound(in text: String) -> Bool { text.firstMatch(of: self) != nil }
}

extension String {
    fileprivate func isAll(_ pattern: Regex<AnyRegexOutput>) -> Bool { self.wholeMatch(of: pattern) != nil }
}

// SPDX-License-Identifier: Apache-2.0

/// Lines of Swift without comments and without the text between quotes; the code of interpolations stays.
///
/// Simple on purpose: what the formatter leaves of Swift is read line by line.
enum SwiftCode {
    static func lines(of lines: [String]) -> [String] {
        var isInText = false
        return lines.map { line in
            let changes = line.components(of: "\"\"\"") % 2 == 1
            defer { if changes { isInText.toggle() } }
            return isInText || changes ? "" : Self.code(in: line)
        }
    }

    /// The code of one line.
    static func code(in line: String) -> String {
        guard line.contains("//") || line.contains("\"") else { return line }
        var code = ""
        var rest = Substring(line)
        /// The marks of a raw text that is open; nil outside of a text.
        var marks: Int?
        while let character = rest.first {
            if let open = marks {
                let end = "\"" + String(repeating: "#", count: open)
                let interpolation = "\\" + String(repeating: "#", count: open) + "("
                if rest.hasPrefix(end) {
                    code += "\""
                    rest = rest.dropFirst(end.count)
                    marks = nil
                } else if rest.hasPrefix(interpolation) {
                    rest = rest.dropFirst(interpolation.count - 1)
                    let inside = Self.inParentheses(rest)
                    code += " " + Self.code(in: String(inside)) + " "
                    rest = rest[inside.endIndex...]
                } else {
                    rest = rest.dropFirst(character == "\\" && open == 0 ? 2 : 1)
                }
                continue
            }
            if rest.hasPrefix("//") { break }
            let opening = rest.prefix { $0 == "#" }
            if rest.dropFirst(opening.count).first == "\"" {
                marks = opening.count
                code += "\""
                rest = rest.dropFirst(opening.count + 1)
            } else {
                code.append(character)
                rest = rest.dropFirst()
            }
        }
        return code
    }

    /// From the parenthesis at the beginning to the one that closes it.
    static func inParentheses(_ text: Substring) -> Substring {
        var depth = 0
        let end = text.firstIndex { character in
            if "([{".contains(character) { depth += 1 }
            if ")]}".contains(character) { depth -= 1 }
            return depth == 0
        }
        return end.map { text[...$0] } ?? text
    }
}

extension String {
    fileprivate func components(of mark: String) -> Int { self.ranges(of: mark).count }
}

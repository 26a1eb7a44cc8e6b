// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The targets of `Package.swift` and their dependencies on each other, read as text.
struct PackageManifest: Sendable {
    struct Target: Sendable {
        var isTest: Bool
        /// Targets of this package, not products of others.
        var dependencies: Set<String>
    }

    static let present = try? PackageManifest()

    let targets: [String: Target]

    private init() throws {
        let text = try String(contentsOf: Document.root.appending(path: "Package.swift"), encoding: .utf8)
        var targets: [String: Target] = [:]
        for match in text.matches(of: #/\.(target|executableTarget|testTarget|systemLibrary)\(/#) {
            let body = Self.inside(text[match.range.upperBound...], "(", ")")
            guard let name = body.firstMatch(of: #/name: "([^"]+)"/#) else { continue }
            var dependencies: Set<String> = []
            if let start = body.firstMatch(of: #/dependencies:[^\[]*\[/#) {
                let list = Self.inside(body[start.range.upperBound...], "[", "]")
                    .replacing(#/\.product\([^)]*\)/#, with: "")
                dependencies = Set(list.matches(of: #/"([^"]+)"/#).map { String($0.1) })
            }
            targets[String(name.1)] = Target(isTest: match.1 == "testTarget", dependencies: dependencies)
        }
        self.targets = targets
    }

    /// What comes before the bracket that closes one that was opened just before the text.
    private static func inside(_ text: Substring, _ open: Character, _ close: Character) -> Substring {
        var depth = 1
        let end = text.firstIndex { character in
            if character == open { depth += 1 }
            if character == close { depth -= 1 }
            return depth == 0
        }
        return text[..<(end ?? text.endIndex)]
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
package import JSON

/// The values of `Tests/Fuzz/Corpus/values/hostile.json`, which says what its parts are. `Tests/Fuzz/Values` uses the same.
package struct HostileValues: Sendable {
    package struct Missing: Error {
        package let part: String
    }

    /// Numbers and other values, as they are written.
    let numbers: [[UInt8]]
    let values: [[UInt8]]
    /// What is between quotation marks.
    let texts: [[UInt8]]
    let times: [[UInt8]]
    let long: [[UInt8]]
    let huge: [[UInt8]]
    let members: [[UInt8]]

    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fuzz/Corpus/values")

    /// The examples of a file beside it, each a document.
    package static func examples(_ name: String) throws -> [JSON.Value] {
        let data = try Data(contentsOf: Self.folder.appendingPathComponent("\(name).json"))
        return Array(try JSON.Value.parse(Array(data)).elements)
    }

    package init() throws {
        let value = try JSON.Value.parse(
            Array(try Data(contentsOf: Self.folder.appendingPathComponent("hostile.json")))
        )
        func list(_ part: String) throws -> [JSON.Value] {
            guard let list = value[part], list.kind == .array else { throw Missing(part: part) }
            return Array(list.elements)
        }
        func plain(_ part: String) throws -> [[UInt8]] {
            try list(part).compactMap { $0.string.map { Array($0.utf8) } }
        }
        func repeated(_ part: String) throws -> [[UInt8]] {
            try list(part).compactMap { pair in
                let parts = Array(pair.elements)
                guard let text = parts.first?.string, let times = parts.last?.number.flatMap({ Int($0) }) else {
                    return nil
                }
                return Array(String(repeating: text, count: times).utf8)
            }
        }
        self.numbers = try plain("numbers")
        self.values = try plain("values")
        self.texts = try plain("texts")
        self.times = try plain("times")
        self.members = try plain("members")
        self.huge = try repeated("huge")
        var random = SplitMix(seed: 0)
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".utf8)
        self.long =
            try repeated("long")
            + list("random").compactMap { $0.number.flatMap { Int($0) } }.map { length in
                (0..<length).map { _ in letters.randomElement(using: &random) ?? 0 }
            }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The inputs that fuzzing begins with, and those that once found something: `Tests/Fuzz/Corpus`, a folder a target.
package enum Corpus {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Corpus")

    /// All inputs of a target, by name in order, so that every run sees the same.
    package static func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = Self.folder.appendingPathComponent(target.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, Array(try Data(contentsOf: folder.appendingPathComponent(name))))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// A folder of one test.
package struct TestFolder: Sendable {
    package let url: URL

    package var path: String {
        self.url.path
    }

    package func path(_ name: String) -> String {
        self.url.appendingPathComponent(name).path
    }

    /// Writes a file.
    /// - Returns: Its path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: self.url.appendingPathComponent(name))
        return self.path(name)
    }

    package func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: self.url.appendingPathComponent(name)))
    }

    package func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: self.path(name))
    }
}

/// Runs a body with a new folder, which is removed afterwards.
package func withFolder(_ body: (TestFolder) async throws -> Void) async throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("broadtape-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    try await body(TestFolder(url: url))
}

/// The same for a body that needs the path only.
package func withTemporaryFolder(_ body: (String) async throws -> Void) async throws {
    try await withFolder { try await body($0.path) }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// The other end of a program's output: reads on request, then stalls or closes.
final class Reader: Sendable {
    private let pipe = Pipe()
    private let text = Watched("")

    /// For the program.
    var input: FileHandle { self.pipe.fileHandleForWriting }

    /// Reads until a text has come, and then no more.
    /// - Returns: Everything that has come.
    func read(until wanted: String) async throws -> String {
        let (handle, text) = (self.pipe.fileHandleForReading, self.text)
        Thread.detachNewThread {
            while !text.value.contains(wanted), case let data = handle.availableData, !data.isEmpty {
                text.change { $0 += String(decoding: data, as: UTF8.self) }
            }
        }
        try await text.wait(for: "\"\(wanted)\"") { $0.contains(wanted) }
        return text.value
    }

    /// Nobody reads any more.
    func leave() throws {
        try self.pipe.fileHandleForReading.close()
    }
}

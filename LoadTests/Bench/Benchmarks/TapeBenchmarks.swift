// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import SQLiteStore

/// Appending to a tape: whole commits.
enum TapeBenchmarks {
    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let all = [
        Self.append("tape-memory-1", batch: 1) { OpenTape(MemoryTape()) },
        Self.append("tape-memory-100", batch: 100) { OpenTape(MemoryTape()) },
        Self.append("tape-sqlite-1", batch: 1, Self.sqlite),
        Self.append("tape-sqlite-100", batch: 100, Self.sqlite),
    ]

    /// One commit of so many events on ten channels.
    private static func append(
        _ name: String,
        batch: Int,
        _ open: @escaping @Sendable () async throws -> OpenTape
    ) -> Benchmark {
        Benchmark(name, "event, \(batch) per commit", operations: batch) {
            let template = try IntakeBenchmarks.events(0..<batch, keys: 10)
            let open = try await open()
            return { iterations in
                for _ in 0..<iterations {
                    var events = template
                    for index in events.indices { events[index].id = open.nextID() }
                    guard case .committed? = try await open.tape.append([events]).first else {
                        throw Failure(description: "the tape did not commit")
                    }
                }
                return nil
            }
        }
    }

    /// In a folder under the temporary one, which has to be on a disk for the figure to mean anything.
    @Sendable
    private static func sqlite() async throws -> OpenTape {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("broadtape-bench-\(UUID().uuidString)")
        return OpenTape(try await SQLiteTape(path: folder.appendingPathComponent("tape.db").path), folder: folder)
    }
}

/// A tape for one run; its folder goes with it.
private final class OpenTape {
    let tape: any Tape
    private let folder: URL?
    private var number = 0

    init(_ tape: any Tape, folder: URL? = nil) {
        self.tape = tape
        self.folder = folder
    }

    deinit {
        if let folder { try? FileManager.default.removeItem(at: folder) }
    }

    func nextID() -> String {
        self.number += 1
        return "e-\(self.number)"
    }
}

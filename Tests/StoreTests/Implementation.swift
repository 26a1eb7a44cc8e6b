// SPDX-License-Identifier: Apache-2.0

import EventLog
import PostgresStore
import SQLiteStore
import TestSupport
import Testing

/// The tapes that the contract is checked against.
enum Implementation: String, CaseIterable, CustomTestStringConvertible {
    case memory
    case sqlite
    case postgres

    var testDescription: String { self.rawValue }

    /// Runs a body with the contract on fresh storage.
    func withContract(_ body: (TapeContract) async throws -> Void) async throws {
        switch self {
        case .memory:
            try await body(TapeContract { clock in MemoryTape { clock.now } })
        case .sqlite:
            try await withTemporaryFolder { folder in
                try await body(TapeContract { clock in try await SQLiteTape(path: folder + "/tape") { clock.now } })
            }
        case .postgres:
            let url = try await PostgresServer.shared.makeSchema()
            try await body(
                TapeContract { clock in
                    try await PostgresTape(url: url, settings: .test(retention: .row)) { clock.now }
                }
            )
        }
    }
}

extension PostgresTape.Settings {
    /// For tests: few connections.
    static func test(retention: PostgresTape.RetentionGranularity = .partition) -> Self {
        var settings = Self()
        settings.retention = retention
        settings.readers = 2
        return settings
    }
}

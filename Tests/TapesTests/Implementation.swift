// SPDX-License-Identifier: Apache-2.0

import Hub
import HubTestSupport
import Tapes
import Testing

/// The tapes that the contract is checked against.
enum Implementation: String, CaseIterable, CustomTestStringConvertible {
    case memory
    case sqlite

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
        }
    }
}

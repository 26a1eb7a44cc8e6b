// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A fixed number of mutated values through every door of a whole hub, beside an honest publisher and an honest
/// subscriber. `make fuzz` runs for longer.
@Suite(.system, .serialized, .timeLimit(.minutes(5)))
struct HostileValueTests {
    @Test(arguments: [["--cases", "12000"], ["--cases", "5000", "--postgres"]])
    func aHubLivesAnswersAndForgetsNothing(_ arguments: [String]) async throws {
        try await withFolder { folder in
            let program = Program.folder.appendingPathComponent("broadtape").path
            let record = try await Script.python(
                "Tests/Fuzz/Values/run",
                ["--program", program, "--seed", "1", "--redis", "--found", folder.path("found")] + arguments,
                in: folder,
                within: .seconds(240)
            )
            #expect(record.status == 0, "\(record)")
        }
    }

    /// The commands and broadtape.js against a hub that answers with mutated values.
    @Test func clientsSurviveAHubThatAnswersAnything() async throws {
        try await withFolder { folder in
            let program = Program.folder.appendingPathComponent("broadtape").path
            let record = try await Script.python(
                "Tests/Fuzz/Values/clients",
                ["--program", program, "--seed", "1", "--seconds", "12"],
                in: folder,
                within: .seconds(120)
            )
            #expect(record.status == 0, "\(record)")
        }
    }
}

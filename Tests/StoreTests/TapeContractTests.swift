// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@Suite struct TapeContractTests {
    @Test(arguments: [Implementation.memory, .sqlite], TapeContract.rules)
    func keeps(_ implementation: Implementation, _ rule: TapeContract.Rule) async throws {
        try await implementation.withContract(rule.check)
    }

    @Test(arguments: TapeContract.durableRules)
    func sqliteKeepsDurably(_ rule: TapeContract.Rule) async throws {
        try await Implementation.sqlite.withContract(rule.check)
    }
}

@Suite(.system) struct TapeContractSystemTests {
    @Test(arguments: TapeContract.rules + TapeContract.durableRules)
    func postgresKeeps(_ rule: TapeContract.Rule) async throws {
        try await Implementation.postgres.withContract(rule.check)
    }
}

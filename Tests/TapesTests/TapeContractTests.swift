// SPDX-License-Identifier: Apache-2.0

import HubTestSupport
import Testing

@Suite struct TapeContractTests {
    @Test(arguments: Implementation.allCases, TapeContract.rules)
    func keeps(_ implementation: Implementation, _ rule: TapeContract.Rule) async throws {
        try await implementation.withContract(rule.check)
    }

    @Test(arguments: TapeContract.durableRules)
    func sqliteKeepsDurably(_ rule: TapeContract.Rule) async throws {
        try await Implementation.sqlite.withContract(rule.check)
    }
}

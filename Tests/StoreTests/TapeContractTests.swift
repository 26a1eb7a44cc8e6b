// SPDX-License-Identifier: Apache-2.0

import HubTestSupport
import Testing

@Suite struct TapeContractTests {
    @Test(arguments: Implementation.allCases, TapeContract.rules)
    func keeps(_ implementation: Implementation, _ rule: TapeContract.Rule) async throws {
        try await implementation.withContract(rule.check)
    }

    @Test(arguments: [Implementation.sqlite, .postgres], TapeContract.durableRules)
    func keepsDurably(_ implementation: Implementation, _ rule: TapeContract.Rule) async throws {
        try await implementation.withContract(rule.check)
    }
}

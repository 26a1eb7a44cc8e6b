// SPDX-License-Identifier: Apache-2.0

import PostgresStore
import SQLiteStore
import TestSupport
import Testing

@Suite struct ProjectionContractTests {
    @Test(arguments: ProjectionContract.rules)
    func sqliteKeeps(_ rule: ProjectionContract.Rule) async throws {
        try await withTemporaryFolder { folder in
            let contract = ProjectionContract { clock in try await SQLiteTape(path: folder + "/tape") { clock.now } }
            try await rule.check(contract)
        }
    }
}

@Suite(.system) struct ProjectionContractSystemTests {
    @Test(arguments: ProjectionContract.rules)
    func postgresKeeps(_ rule: ProjectionContract.Rule) async throws {
        let url = try await PostgresServer.shared.makeSchema()
        let contract = ProjectionContract { clock in
            try await PostgresTape(url: url, settings: .test(retention: .row)) { clock.now }
        }
        try await rule.check(contract)
    }
}

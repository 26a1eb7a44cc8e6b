// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

extension ProjectionContract {
    /// Appends random events in random batches, sometimes reopening the store in between, and compares every read with
    /// a ``ProjectionModel``.
    func agreesWithModel() async throws {
        for seed in UInt64(1)...4 {
            var random = SplitMix(seed: seed)
            // Storage may be shared by the rounds, so each has users and pairs of its own.
            let users = ["a", "b", "c"].map { "\(seed)" + $0 }
            let pairs = ["P", "Q"].map { "\(seed)" + $0 }
            var model = ProjectionModel()
            var count = 0
            for step in 0..<12 {
                try await self.withTape { tape, rows in
                    for _ in 0..<Int.random(in: 1...3, using: &random) {
                        var requests: [[Event]] = []
                        for _ in 0..<Int.random(in: 1...6, using: &random) {
                            var request: [Event] = []
                            for _ in 0..<Int.random(in: 1...8, using: &random) {
                                count += 1
                                let id = "\(seed)-\(count)"
                                let fact = ProjectionModel.Fact.random(id, users: users, pairs: pairs, &random)
                                model.take(fact)
                                request.append(fact.event)
                            }
                            requests.append(request)
                        }
                        let outcomes = try await tape.append(requests)
                        #expect(outcomes.count == requests.count)
                    }
                    try await Self.compare(rows, model, users, pairs, "seed \(seed), step \(step)")
                }
            }
        }
    }

    private static func compare(
        _ rows: any Projections,
        _ model: ProjectionModel,
        _ users: [String],
        _ pairs: [String],
        _ comment: Comment
    ) async throws {
        for pair in pairs {
            #expect(try await rows.rate(of: pair) == model.rates[pair], comment)
        }
        for user in users {
            let wallets = try await rows.wallets(of: user, after: nil, limit: 1000)
            #expect(wallets == model.wallets(of: user), comment)
            var stored: [Transaction] = []
            for id in try await rows.ids(of: user, by: 5) {
                stored += [try await rows.transaction(user, id)].compactMap(\.self)
            }
            #expect(stored == model.transactions(of: user), comment)
            let isNamed = try await !rows.users(after: nil, limit: 1000).filter { $0.id == user }.isEmpty
            #expect(isNamed == !wallets.isEmpty, comment)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Secrets
import Testing

@testable import LoadKit

struct PopulationTests {
    private static var secret: Access {
        get throws { .secret(TokenMaker(secret: try Secret("0123456789abcdef0123456789abcdef"))) }
    }

    @Test func everyoneFollowsTheSharedChannels() {
        let population = Population.everyone(3, following: 2, type: "chainEvent", bytes: 200, .anonymous)
        #expect(population.channels.map(\.name) == ["chainEvent:load-0", "chainEvent:load-1"])
        #expect(population.channels.allSatisfy { !$0.isPrivate && !$0.mayConflate })
        #expect(population.recruits.allSatisfy { $0.ownChannels.isEmpty && $0.token == nil })
    }

    @Test func ownersFollowTheirOwnChannelWithTheirOwnToken() throws {
        let population = Population.owners(4, type: "transactionUpdate", bytes: 200, try Self.secret)
        #expect(population.recruits.map(\.ownChannels) == [[0], [1], [2], [3]])
        #expect(Set(population.recruits.compactMap(\.token)).count == 4)
        #expect(population.channels.map(\.key) == (0..<4).map { "load-\($0)" })
    }

    @Test(arguments: [(1, 1, 2), (2, 2, 4), (3, 3, 5), (5, 5, 7)])
    func clientsFollowTheirOwnChannelsFirst(subscriptions: Int, each: Int, channels: Int) throws {
        let population = Population.clients(2, subscriptions: subscriptions, bytes: 200, try Self.secret)
        let shared = population.channels.count { !$0.isPrivate }
        #expect(population.channels.count == channels)
        #expect(population.recruits.allSatisfy { $0.ownChannels.count + shared == each })
        // The ledger relies on it.
        #expect(population.channels.prefix(shared).allSatisfy { !$0.isPrivate })
    }

    @Test func whoHasNoSecretFollowsRatesAlone() {
        let population = Population.clients(2, subscriptions: 3, bytes: 200, .anonymous)
        #expect(population.channels.allSatisfy { $0.name.hasPrefix("rateChange:") && !$0.isPrivate })
        #expect(population.channels.count == 3)
    }

    @Test func slowReadersFollowOneChannelEach() {
        let population = Population.readers(fast: 2, slow: 3, bytes: 200, .anonymous)
        #expect(population.recruits.map(\.group) == [0, 0, 1, 2, 1])
        #expect(population.recruits.map(\.ownChannels) == [[0, 1], [0, 1], [0], [1], [0]])
        #expect(population.channels.map(\.mayConflate) == [false, true])
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import TestSupport
import Testing

@Suite struct ProjectionBatchTests {
    /// What a tape would have stored.
    private struct Stored: Equatable {
        var users: [String: User] = [:]
        var wallets: [RowKey: Wallet] = [:]
        var transactions: [RowKey: Transaction] = [:]
        var rates: [String: Rate] = [:]

        mutating func write(_ batch: ProjectionBatch) {
            let rows = batch.rows {
                self.wallets[$0]
            } transaction: {
                self.transactions[$0]
            } rate: {
                self.rates[$0]
            }
            for user in rows.users where self.users[user.id] == nil { self.users[user.id] = user }
            for wallet in rows.wallets where wallet.lastUpdate != nil || self.wallets[wallet.key] == nil {
                self.wallets[wallet.key] = wallet
            }
            for transaction in rows.transactions { self.transactions[transaction.key] = transaction }
            for rate in rows.rates { self.rates[rate.pair] = rate }
            // Every reference leads somewhere.
            for wallet in self.wallets.keys { #expect(self.users[wallet.user] != nil) }
            for transaction in rows.transactions {
                #expect(self.wallets[RowKey(user: transaction.key.user, id: transaction.wallet)] != nil)
                guard let transfer = transaction.transfer else { continue }
                #expect(self.wallets[RowKey(user: transfer.recipient, id: transfer.wallet)] != nil)
            }
            #expect(rows.users.map(\.id) == rows.users.map(\.id).sorted())
            #expect(rows.wallets.map(\.key) == rows.wallets.map(\.key).sorted())
            #expect(rows.transactions.map(\.key) == rows.transactions.map(\.key).sorted())
            #expect(rows.rates.map(\.pair) == rows.rates.map(\.pair).sorted())
            #expect(Set(rows.wallets.map(\.key)).count == rows.wallets.count)
        }
    }

    @Test(arguments: UInt64(1)...20)
    func batchIsTheSameAsOneByOne(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        var heads: [ChannelName: Int] = [:]
        var oneByOne = Stored()
        var inBatches = Stored()
        for round in 0..<10 {
            var batch = ProjectionBatch()
            for index in 0..<Int.random(in: 1...20, using: &random) {
                let id = "\(round)-\(index)"
                let event = ProjectionModel.Fact.random(id, users: ["a", "b", "c"], pairs: ["P"], &random).event
                let seqs = event.channels.map { channel in
                    heads[channel, default: 0] += 1
                    return heads[channel] ?? 0
                }
                batch.add(event, seqs: seqs)
                for (channel, seq) in zip(event.channels, seqs) {
                    var single = ProjectionBatch()
                    if let projection = event.projection {
                        single.add(TapeEntry(seq: seq, event: event), of: channel, as: projection)
                    }
                    oneByOne.write(single)
                }
            }
            inBatches.write(batch)
            #expect(inBatches.wallets == oneByOne.wallets, "round \(round)")
            #expect(inBatches.transactions == oneByOne.transactions, "round \(round)")
            #expect(inBatches.rates == oneByOne.rates, "round \(round)")
            #expect(inBatches.users == oneByOne.users, "round \(round)")
            #expect(batch.skipped == 0)
        }
    }

    @Test func whatIsStoredIsNotWrittenAgain() {
        var stored = Stored()
        var batch = ProjectionBatch()
        for (seq, fact) in [
            Event.projected("balanceUpdate", "1", on: "u", #"{"balance":"1","version":2}"#),
            .projected("balanceUpdate", "2", on: "u", #"{"balance":"2","version":1}"#),
        ].enumerated() {
            batch.add(fact, seqs: [seq + 1])
        }
        #expect(batch.walletKeys == [RowKey(user: "u", id: "USD")])
        #expect(batch.transactionKeys == [])
        #expect(batch.pairs == [])
        stored.write(batch)
        let again = batch.rows {
            stored.wallets[$0]
        } transaction: { _ in
            nil
        } rate: { _ in
            nil
        }
        #expect(again.isEmpty)
    }

    @Test func emptyBatchIsEmpty() {
        var batch = ProjectionBatch()
        #expect(batch.isEmpty)
        var event = Event.projected("balanceUpdate", "1", on: "u", #"{"balance":"1"}"#)
        event.projection = nil
        batch.add(event, seqs: [1])
        #expect(batch.isEmpty)
        batch.add(.projected("rateChange", "1", on: "P", "{}"), seqs: [1])
        #expect(batch.isEmpty)
        #expect(batch.skipped == 1)
    }

    @Test(arguments: ["-9223372036854775808.x", "5.a.b", "0.\u{E9}", "7.e\u{301}/ %"])
    func cursorIsReadAsWritten(_ text: String) {
        #expect(TransactionCursor(text)?.description.hasSameBytes(as: text) == true)
    }

    @Test(arguments: ["", ".", "1", "x.1", "1.", "+1.x", "01.x", " 1.x", "9223372036854775808.x", "1.\u{0}"])
    func otherCursorsAreNone(_ text: String) {
        #expect(TransactionCursor(text) == nil)
    }
}

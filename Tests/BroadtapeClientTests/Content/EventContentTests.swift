// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Testing

struct EventContentTests {
    private static func event(_ channel: String, _ data: String) -> BroadtapeClient.Event {
        Event(channel: channel, epoch: "k", seq: 7, id: "e-7", time: "t", data: Array(data.utf8))
    }

    @Test func typeAndKeyAreTheChannelsParts() {
        for (channel, type, key) in [
            ("rateChange:BTC/USDT", "rateChange", "BTC/USDT"), ("chainEvent:main:0x1", "chainEvent", "main:0x1"),
            ("note", "note", ""),
        ] {
            let event = Self.event(channel, "{}")
            #expect(event.type == type)
            #expect(event.key == key)
        }
    }

    @Test func balancesStayDecimalStrings() throws {
        let data = #"{"userId":"u_1","balance":"12345678901234567890.000000000000000001","currency":"BTC","version":3}"#
        let update = try Self.event("balanceUpdate:u_1", data).content(as: BalanceUpdate.self)
        #expect(update.balance == "12345678901234567890.000000000000000001")
        #expect(update.currency == "BTC" && update.userID == "u_1" && update.version == 3)
        #expect(update.available == nil && update.walletID == nil)
    }

    @Test func whatThePublisherLeftOutComesFromTheEvent() throws {
        let balance = try Self.event("balanceUpdate:u_1", #"{"balance":"1"}"#).content(as: BalanceUpdate.self)
        #expect(balance.userID == "u_1" && balance.currency == "USD")
        let rate = try Self.event("rateChange:A/B", #"{"rate":"1.50","bid":null}"#).content(as: RateChange.self)
        #expect(rate.pair == "A/B" && rate.rate == "1.50" && rate.bid == nil)
        let data = #"{"type":"p2p","amount":"1.50","status":"new","price":"2"}"#
        let transaction = try Self.event("transactionUpdate:u_1", data).content(as: TransactionUpdate.self)
        #expect(transaction.transactionID == "e-7" && transaction.kind == "p2p" && transaction.price == "2")
    }

    @Test func chainEventsKeepTheirArguments() throws {
        let data =
            #"{"chain":"main","event":"Transfer","blockNumber":12,"blockHash":"0x1","transactionHash":"0x2","logIndex":0,"level":"final","args":{"value":"5"}}"#
        let event = try Self.event("chainEvent:0xc", data).content(as: ChainEvent.self)
        #expect(event.contract == "0xc" && event.blockNumber == 12 && event.level == "final" && event.undoes == nil)
        #expect(event.arguments.map { String(decoding: $0, as: UTF8.self) } == #"{"value":"5"}"#)
    }

    @Test(arguments: [
        (#"{"rate":1.5}"#, "rateChange:A/B 7: \"rate\" is not a string"),
        ("{}", "rateChange:A/B 7: \"rate\" is not a string"),
        ("[]", "rateChange:A/B 7: \"rate\" is not a string"),
    ])
    func whatIsNotWhatItsTypeSaysIsSaid(_ data: String, _ message: String) {
        let error = #expect(throws: EventData.Unreadable.self) {
            try Self.event("rateChange:A/B", data).content(as: RateChange.self)
        }
        #expect(error?.description == message)
    }
}

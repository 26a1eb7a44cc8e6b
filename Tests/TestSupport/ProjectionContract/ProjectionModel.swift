// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// The projections in their simplest form: what the facts say, taken one by one into dictionaries.
package struct ProjectionModel {
    /// An event before it is JSON.
    package struct Fact {
        var type: String
        var id: String
        var keys: [String]
        var time: Int64
        /// Fields of `data` that are strings.
        var texts: [String: String]
        /// Fields of `data` that are numbers.
        var numbers: [String: Int]

        package var event: Event {
            let members =
                self.texts.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }
                + self.numbers.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
            var event = Event.projected(
                self.type,
                self.id,
                keys: self.keys,
                time: self.time,
                "{" + members.joined(separator: ",") + "}"
            )
            if self.type == "balanceUpdate" { event.slot = self.texts["currency"] ?? "USD" }
            return event
        }
    }

    private(set) var rates: [String: Rate] = [:]
    private var wallets: [RowKey: Wallet] = [:]
    private var transactions: [RowKey: Transaction] = [:]
    private var heads: [String: Int] = [:]

    func wallets(of user: String) -> [Wallet] {
        self.wallets.values.filter { $0.key.user == user }.sorted { $0.key.id < $1.key.id }
    }

    func transactions(of user: String) -> [Transaction] {
        self.transactions.values.filter { $0.key.user == user }
            .sorted { ($0.createdAt, $0.key.id) > ($1.createdAt, $1.key.id) }
    }

    mutating func take(_ fact: Fact) {
        for key in fact.keys {
            let seq = self.heads[fact.type + key, default: 0] + 1
            self.heads[fact.type + key] = seq
            switch fact.type {
            case "balanceUpdate": self.takeBalance(fact, key, seq)
            case "transactionUpdate": self.takeTransaction(fact, key, seq)
            default: self.takeRate(fact, key, seq)
            }
        }
    }

    private mutating func takeBalance(_ fact: Fact, _ user: String, _ seq: Int) {
        let currency = fact.texts["currency"] ?? "USD"
        let key = RowKey(user: user, id: fact.texts["walletId"] ?? currency)
        let known = self.wallets[key]?.lastUpdate?.version
        let version = fact.numbers["version"]
        if let known, let version, version < known { return }
        guard let balance = fact.amount("balance") else { return }
        self.wallets[key] = Wallet(
            key: key,
            currency: currency,
            lastUpdate: Wallet.Balance(
                balance: balance,
                available: fact.amount("available"),
                version: version ?? known,
                updatedAt: Timestamp(nanoseconds: fact.time),
                seq: seq
            )
        )
    }

    private mutating func takeTransaction(_ fact: Fact, _ user: String, _ seq: Int) {
        let key = RowKey(user: user, id: fact.texts["transactionId"] ?? fact.id)
        let time = Timestamp(nanoseconds: fact.time)
        let old = self.transactions[key]
        if let old, time < old.updatedAt {
            self.transactions[key]?.createdAt = min(old.createdAt, time)
            return
        }
        guard let amount = fact.amount("amount") else { return }
        let type = fact.texts["type"] ?? ""
        let currency = fact.texts["currency"] ?? old?.currency
        let receives = fact.texts["recipientId"] == user && fact.texts["userId"] != user
        var wallet = currency ?? "USD"
        if let old, old.wallet != old.currency ?? "USD" { wallet = old.wallet }
        if let told = fact.texts["walletId"], !receives { wallet = told }
        var row = Transaction(
            key: key,
            type: type,
            amount: amount,
            status: fact.texts["status"] ?? "",
            currency: currency,
            wallet: wallet,
            createdAt: min(old?.createdAt ?? time, time),
            updatedAt: time,
            seq: seq,
            trade: old?.trade,
            transfer: old?.transfer
        )
        if type == "trade" {
            row.trade = TradeOrder(
                pair: fact.texts["pair"] ?? old?.trade?.pair,
                side: fact.texts["side"] ?? old?.trade?.side,
                price: fact.amount("price") ?? old?.trade?.price,
                filledAmount: fact.amount("filledAmount") ?? old?.trade?.filledAmount
            )
        }
        self.name(RowKey(user: user, id: wallet), currency)
        if type == "p2p", let recipient = fact.texts["recipientId"] {
            row.transfer = Transfer(recipient: recipient, wallet: currency ?? "USD")
        }
        if let transfer = row.transfer {
            self.name(RowKey(user: transfer.recipient, id: transfer.wallet), currency)
        }
        self.transactions[key] = row
    }

    private mutating func name(_ wallet: RowKey, _ currency: String?) {
        guard self.wallets[wallet] == nil else { return }
        self.wallets[wallet] = Wallet(key: wallet, currency: currency ?? "USD", lastUpdate: nil)
    }

    private mutating func takeRate(_ fact: Fact, _ pair: String, _ seq: Int) {
        let exchange = fact.texts["exchange"]
        let sequence = fact.numbers["sequence"]
        if let old = self.rates[pair], old.exchange == exchange, let known = old.sequence, let sequence,
            sequence < known
        {
            return
        }
        guard let rate = fact.amount("rate") else { return }
        self.rates[pair] = Rate(
            pair: pair,
            rate: rate,
            bid: fact.amount("bid"),
            ask: fact.amount("ask"),
            exchange: exchange,
            sequence: sequence,
            updatedAt: Timestamp(nanoseconds: fact.time),
            seq: seq
        )
    }
}

extension ProjectionModel.Fact {
    fileprivate func amount(_ field: String) -> Amount? {
        self.texts[field].flatMap { Amount($0) }
    }

    /// Few keys, versions and times, so that they meet and come out of order.
    package static func random(_ id: String, users: [String], pairs: [String], _ random: inout SplitMix) -> Self {
        func maybe<Value>(_ value: @autoclosure () -> Value) -> Value? { Bool.random(using: &random) ? value() : nil }
        func small() -> Int { Int.random(in: 0...5, using: &random) }
        func amount() -> String { "\(small()).\(small())0" }
        func pick(_ texts: [String]) -> String { texts[Int.random(in: 0..<texts.count, using: &random)] }
        var fact = Self(type: "", id: id, keys: [], time: Int64(small()), texts: [:], numbers: [:])
        switch small() {
        case 0...1:
            fact.type = "balanceUpdate"
            fact.keys = [pick(users)]
            fact.texts["balance"] = amount()
            fact.texts["available"] = maybe(amount())
            fact.texts["currency"] = maybe(pick(["USD", "EUR"]))
            fact.texts["walletId"] = maybe(pick(["w", "EUR"]))
            fact.numbers["version"] = maybe(small())
        case 2...3:
            fact.type = "transactionUpdate"
            fact.keys = Array(users.shuffled(using: &random).prefix(1 + small() / 4))
            fact.texts["type"] = pick(["trade", "p2p", "deposit"])
            fact.texts["amount"] = amount()
            fact.texts["status"] = pick(["new", "done"])
            fact.texts["userId"] = maybe(fact.keys[0])
            fact.texts["currency"] = maybe(pick(["USD", "EUR"]))
            fact.texts["transactionId"] = maybe(pick(["t", "s", "r"]))
            fact.texts["walletId"] = maybe(pick(["w", "EUR"]))
            fact.texts["pair"] = maybe(pick(pairs))
            fact.texts["side"] = maybe(pick(["buy", "sell"]))
            fact.texts["price"] = maybe(amount())
            fact.texts["filledAmount"] = maybe(amount())
            fact.texts["recipientId"] = maybe(pick(users))
        default:
            fact.type = "rateChange"
            fact.keys = [pick(pairs)]
            fact.texts["rate"] = amount()
            fact.texts["bid"] = maybe(amount())
            fact.texts["exchange"] = maybe(pick(["x", "y"]))
            fact.numbers["sequence"] = maybe(small())
        }
        return fact
    }
}

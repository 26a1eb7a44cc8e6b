// SPDX-License-Identifier: Apache-2.0

import JSON

/// The comparison of a channel's rows with what its entries make of them.
///
/// While nothing of the channel is forgotten, the rows are made anew and must be the same. Afterwards a row may be from
/// an entry that is gone: then no retained entry may change it, and where its own entry is retained, it must say the
/// same.
struct RowCheck {
    typealias Finding = Verification.Finding

    private static let page = 1000

    private let channel: ChannelName
    private let projection: Projection
    private let projections: any Projections
    /// Whether every entry that ever was is retained.
    private let isWhole: Bool
    private let user: String
    private var stored = RowSet()
    /// Made from the entries: beginning with nothing, or with ``stored`` where entries are forgotten.
    private var made = RowSet()
    /// What the entries that stored rows are from say by themselves.
    private var sources = RowSet()
    private(set) var findings: [Finding] = []
    private(set) var skipped = 0

    var rows: Int { self.stored.count }

    init(
        _ channel: ChannelName,
        _ projection: Projection,
        _ projections: any Projections,
        isWhole: Bool
    ) async throws(TapeFault) {
        self.channel = channel
        self.projection = projection
        self.projections = projections
        self.isWhole = isWhole
        self.user = String(channel.key)
        try await self.load()
        if !isWhole { self.made = self.stored }
    }

    private mutating func load() async throws(TapeFault) {
        switch self.projection {
        case .balance:
            var last: String?
            while true {
                let page = try await self.projections.wallets(of: self.user, after: last, limit: Self.page)
                for wallet in page where wallet.told != nil { self.stored.wallets[wallet.key] = wallet }
                guard page.count == Self.page else { return }
                last = page.last?.key.id
            }
        case .transaction:
            var last: TransactionCursor?
            while true {
                let page = try await self.projections.transactions(
                    of: self.user,
                    matching: TransactionFilter(),
                    after: last,
                    limit: Self.page
                )
                for transaction in page { self.stored.transactions[transaction.key] = transaction }
                guard page.count == Self.page, let end = page.last else { return }
                last = TransactionCursor(after: end)
            }
        case .rate:
            self.stored.rate = try await self.projections.rate(of: self.user)
        }
    }

    /// Takes the next entry.
    mutating func take(_ entry: TapeEntry) {
        var batch = ProjectionBatch()
        batch.add(entry, of: self.channel, as: self.projection)
        self.skipped += batch.skipped
        self.made.take(batch)
        if !self.isWhole { self.takeSource(batch, entry) }
    }

    /// Takes an entry from before those retained without a gap: the newest of its slot.
    mutating func takeKept(_ entry: TapeEntry) {
        var batch = ProjectionBatch()
        batch.add(entry, of: self.channel, as: self.projection)
        self.takeSource(batch, entry)
    }

    private mutating func takeSource(_ batch: ProjectionBatch, _ entry: TapeEntry) {
        var alone = RowSet()
        alone.take(batch)
        for (key, row) in alone.wallets where self.stored.wallets[key]?.told?.seq == entry.seq {
            self.sources.wallets[key] = row
        }
        for (key, row) in alone.transactions where self.stored.transactions[key]?.seq == entry.seq {
            self.sources.transactions[key] = row
        }
        if let rate = alone.rate, self.stored.rate?.seq == entry.seq { self.sources.rate = rate }
    }

    // MARK: Comparing

    /// Compares, once every entry was taken.
    mutating func finish() async throws(TapeFault) {
        for key in Set(self.stored.wallets.keys).union(self.made.wallets.keys).sorted() {
            self.compare("wallet \(key.id) of \(key.user)", self.stored.wallets[key], self.made.wallets[key])
            guard var source = self.sources.wallets[key], let stored = self.stored.wallets[key] else { continue }
            // The version may be from an entry that is gone.
            if source.told?.version == nil { source.told?.version = stored.told?.version }
            self.compare("wallet \(key.id) of \(key.user)", stored, source)
        }
        for key in Set(self.stored.transactions.keys).union(self.made.transactions.keys).sorted() {
            let place = "transaction \(key.id) of \(key.user)"
            self.compare(place, self.stored.transactions[key], self.made.transactions[key])
            guard let source = self.sources.transactions[key], let stored = self.stored.transactions[key] else {
                continue
            }
            self.compare(place, stored, source.completed(by: stored))
        }
        let place = "rate \(self.channel.key)"
        self.compare(place, self.stored.rate, self.made.rate)
        if let source = self.sources.rate { self.compare(place, self.stored.rate, source) }
        try await self.checkReferences()
    }

    private mutating func compare<Row: Equatable & RowWithSource>(_ place: String, _ stored: Row?, _ made: Row?) {
        guard stored != made else { return }
        let text =
            switch (stored, made) {
            case (nil, let made?): "is missing; number \(made.source) of \(self.channel) makes it"
            case (let stored?, nil):
                "has no event: nothing on \(self.channel) makes it (it says number \(stored.source))"
            case (let stored?, let made?):
                "is \(stored.summary), but \(self.channel) makes it \(made.summary)"
            case (nil, nil): ""
            }
        guard !self.findings.contains(where: { $0.place == place }) else { return }
        self.findings.append(Finding(place: place, text: text))
    }

    /// Wallets that transactions name must be there.
    private mutating func checkReferences() async throws(TapeFault) {
        var checked: Set<RowKey> = []
        for transaction in self.stored.transactions.values.sorted(by: { $0.key < $1.key }) {
            var named = [RowKey(user: self.user, id: transaction.wallet)]
            if let transfer = transaction.transfer {
                named.append(RowKey(user: transfer.recipient, id: transfer.wallet))
            }
            for key in named where checked.insert(key).inserted {
                guard try await self.projections.wallet(key) == nil else { continue }
                self.findings.append(
                    Finding(
                        place: "wallet \(key.id) of \(key.user)",
                        text: "is missing, but transaction \(transaction.key.id) of \(self.user) names it"
                    )
                )
            }
        }
    }
}

/// Rows of one channel.
private struct RowSet {
    var wallets: [RowKey: Wallet] = [:]
    var transactions: [RowKey: Transaction] = [:]
    var rate: Rate?

    var count: Int { self.wallets.count + self.transactions.count + (self.rate == nil ? 0 : 1) }

    mutating func take(_ batch: ProjectionBatch) {
        guard !batch.isEmpty else { return }
        let rows = batch.rows {
            self.wallets[$0]
        } transaction: {
            self.transactions[$0]
        } rate: { _ in
            self.rate
        }
        for wallet in rows.wallets where wallet.told != nil { self.wallets[wallet.key] = wallet }
        for transaction in rows.transactions { self.transactions[transaction.key] = transaction }
        if let rate = rows.rates.last { self.rate = rate }
    }
}

/// A row that an entry tells.
private protocol RowWithSource {
    /// The number of that entry.
    var source: Int { get }
    /// What an operator is shown.
    var summary: String { get }
}

extension Wallet: RowWithSource {
    fileprivate var source: Int { self.told?.seq ?? 0 }

    fileprivate var summary: String {
        let told = self.told
        return
            "\(told?.balance.description ?? "untold") \(self.currency) (available \(told?.available?.description ?? "untold"), "
            + "version \(told?.version.map(String.init) ?? "untold"), \(told?.updatedAt.description ?? "never"), "
            + "number \(self.source))"
    }
}

extension Transaction: RowWithSource {
    fileprivate var source: Int { self.seq }

    fileprivate var summary: String {
        var text = "\(self.type) of \(self.amount) \(self.currency ?? "") \(self.status) (wallet \(self.wallet), "
        text += "\(self.createdAt) to \(self.updatedAt), number \(self.seq))"
        if let trade = self.trade {
            text += " trade \(trade.pair ?? "?") \(trade.side ?? "?") at \(trade.price?.description ?? "?")"
            text += " filled \(trade.filledAmount?.description ?? "?")"
        }
        if let transfer = self.transfer { text += " to \(transfer.recipient), wallet \(transfer.wallet)" }
        return text
    }

    /// This with what only entries that are gone may have told.
    fileprivate func completed(by stored: Transaction) -> Transaction {
        var row = self
        row.createdAt = min(row.createdAt, stored.createdAt)
        if row.currency == nil {
            row.currency = stored.currency
            row.transfer = row.transfer.map {
                Transfer(recipient: $0.recipient, wallet: stored.transfer?.wallet ?? $0.wallet)
            }
        }
        // Told by its id here, or by an entry that is gone.
        if self.wallet.hasSameBytes(as: self.currency ?? ProjectedData.defaultCurrency) { row.wallet = stored.wallet }
        row.transfer = row.transfer ?? stored.transfer
        row.trade = row.trade?.completed(by: stored.trade) ?? stored.trade
        return row
    }
}

extension Rate: RowWithSource {
    fileprivate var source: Int { self.seq }

    fileprivate var summary: String {
        "\(self.rate) (bid \(self.bid?.description ?? "untold"), ask \(self.ask?.description ?? "untold"), exchange "
            + "\(self.exchange ?? "untold"), sequence \(self.sequence.map(String.init) ?? "untold"), \(self.updatedAt), "
            + "number \(self.seq))"
    }
}

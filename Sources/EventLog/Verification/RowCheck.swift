// SPDX-License-Identifier: Apache-2.0

import JSON

/// Compares the rows of a channel with what its entries produce.
///
/// If no entry of the channel has been removed, the rows are computed again from the entries and must be equal.
/// Otherwise a row may come from a removed entry: then no retained entry may change it, and if the entry of the row is
/// retained, it must agree with the row.
struct RowCheck {
    typealias Finding = Verification.Finding

    private static let page = 1000

    private let channel: ChannelName
    private let projection: Projection
    private let projections: any Projections
    /// Whether all entries of the channel are retained.
    private let isWhole: Bool
    private let user: String
    private var stored = RowSet()
    /// Computed from the entries, starting empty, or with ``stored`` if entries have been removed.
    private var made = RowSet()
    /// The rows that the source entries of stored rows produce on their own.
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
                for wallet in page where wallet.lastUpdate != nil { self.stored.wallets[wallet.key] = wallet }
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

    /// Adds the next entry.
    mutating func take(_ entry: TapeEntry) {
        var batch = ProjectionBatch()
        batch.add(entry, of: self.channel, as: self.projection)
        self.skipped += batch.skipped
        self.made.take(batch)
        if !self.isWhole { self.takeSource(batch, entry) }
    }

    /// Adds an entry older than the contiguous range, kept as the newest of its slot.
    mutating func takeKept(_ entry: TapeEntry) {
        var batch = ProjectionBatch()
        batch.add(entry, of: self.channel, as: self.projection)
        self.takeSource(batch, entry)
    }

    private mutating func takeSource(_ batch: ProjectionBatch, _ entry: TapeEntry) {
        var alone = RowSet()
        alone.take(batch)
        for (key, row) in alone.wallets where self.stored.wallets[key]?.lastUpdate?.seq == entry.seq {
            self.sources.wallets[key] = row
        }
        for (key, row) in alone.transactions where self.stored.transactions[key]?.seq == entry.seq {
            self.sources.transactions[key] = row
        }
        if let rate = alone.rate, self.stored.rate?.seq == entry.seq { self.sources.rate = rate }
    }

    // MARK: Comparing

    /// Compares the rows, after all entries have been added.
    mutating func finish() async throws(TapeFault) {
        for key in Set(self.stored.wallets.keys).union(self.made.wallets.keys).sorted() {
            self.compare("wallet \(key.id) of \(key.user)", self.stored.wallets[key], self.made.wallets[key])
            guard var source = self.sources.wallets[key], let stored = self.stored.wallets[key] else { continue }
            // The version may come from a removed entry.
            if source.lastUpdate?.version == nil { source.lastUpdate?.version = stored.lastUpdate?.version }
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
            case (nil, let made?): "is missing; number \(made.source) of \(self.channel) produces it"
            case (let stored?, nil):
                "has no event: nothing on \(self.channel) produces it (it refers to number \(stored.source))"
            case (let stored?, let made?):
                "is \(stored.summary), but \(self.channel) produces \(made.summary)"
            case (nil, nil): ""
            }
        guard !self.findings.contains(where: { $0.place == place }) else { return }
        self.findings.append(Finding(place: place, text: text))
    }

    /// Wallets named by transactions must exist.
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
                        text: "is missing, but transaction \(transaction.key.id) of \(self.user) refers to it"
                    )
                )
            }
        }
    }
}

/// The rows of one channel.
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
        for wallet in rows.wallets where wallet.lastUpdate != nil { self.wallets[wallet.key] = wallet }
        for transaction in rows.transactions { self.transactions[transaction.key] = transaction }
        if let rate = rows.rates.last { self.rate = rate }
    }
}

/// A row that is produced by an entry.
private protocol RowWithSource {
    /// The sequence number of that entry.
    var source: Int { get }
    /// A description for operators.
    var summary: String { get }
}

extension Wallet: RowWithSource {
    fileprivate var source: Int { self.lastUpdate?.seq ?? 0 }

    fileprivate var summary: String {
        let lastUpdate = self.lastUpdate
        return
            "\(lastUpdate?.balance.description ?? "none") \(self.currency) (available \(lastUpdate?.available?.description ?? "none"), "
            + "version \(lastUpdate?.version.map(String.init) ?? "none"), \(lastUpdate?.updatedAt.description ?? "never"), "
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

    /// This row, with values that only removed entries may have set.
    fileprivate func completed(by stored: Transaction) -> Transaction {
        var row = self
        row.createdAt = min(row.createdAt, stored.createdAt)
        if row.currency == nil {
            row.currency = stored.currency
            row.transfer = row.transfer.map {
                Transfer(recipient: $0.recipient, wallet: stored.transfer?.wallet ?? $0.wallet)
            }
        }
        // The id comes from this entry, or from a removed one.
        if self.wallet.hasSameBytes(as: self.currency ?? ProjectedData.defaultCurrency) { row.wallet = stored.wallet }
        row.transfer = row.transfer ?? stored.transfer
        row.trade = row.trade?.completed(by: stored.trade) ?? stored.trade
        return row
    }
}

extension Rate: RowWithSource {
    fileprivate var source: Int { self.seq }

    fileprivate var summary: String {
        "\(self.rate) (bid \(self.bid?.description ?? "none"), ask \(self.ask?.description ?? "none"), exchange "
            + "\(self.exchange ?? "none"), sequence \(self.sequence.map(String.init) ?? "none"), \(self.updatedAt), "
            + "number \(self.seq))"
    }
}

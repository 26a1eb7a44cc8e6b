// SPDX-License-Identifier: Apache-2.0

/// The projections of the events in one append: the updates of each row, in order.
///
/// For tapes, inside the transaction of the append:
/// 1. ``add(_:seqs:)`` every accepted event in append order, but no duplicates.
/// 2. Read the stored rows of ``walletKeys``, ``transactionKeys`` and ``pairs``. Each row belongs to a channel of the
///    batch, so the lock on that channel protects it from other writers; with several writers, read the rows after
///    taking that lock.
/// 3. Write what ``rows(wallet:transaction:rate:)`` returns.
///
/// The rules for which update wins are implemented in the rows (``Wallet``, ``Transaction``, ``Rate``), not in SQL:
/// whether an update takes effect depends on the one before it, so several updates cannot be decided by one comparison
/// with the stored row.
package struct ProjectionBatch: Sendable {
    /// An update and its position in the batch.
    private struct Numbered<Update: Sendable>: Sendable {
        var order: Int
        var update: Update
    }

    private var balances: [RowKey: [Numbered<Wallet>]] = [:]
    private var transactions: [RowKey: [Numbered<TransactionUpdate>]] = [:]
    /// By channel, which is compared by bytes.
    private var rates: [ChannelName: [Rate]] = [:]
    private var count = 0
    /// Entries of types with a projection whose `data` cannot be stored in rows. They are stored on the tape and change
    /// no row.
    package private(set) var skipped = 0

    package init() {}

    /// Whether no row is affected.
    package var isEmpty: Bool {
        self.balances.isEmpty && self.transactions.isEmpty && self.rates.isEmpty
    }

    /// Adds a new event.
    /// - Parameter seqs: Its sequence number on each of its channels, in the order of its keys.
    package mutating func add(_ event: Event, seqs: some Sequence<Int>) {
        guard let projection = event.projection else { return }
        let data = try? ProjectedData(event.data)
        for (key, seq) in zip(event.keys, seqs) {
            self.add(TapeEntry(seq: seq, event: event), data, of: ChannelName(type: event.type, key: key), projection)
        }
    }

    /// Adds an entry read from the tape. The entries of a channel must be added in sequence order.
    package mutating func add(_ entry: TapeEntry, of channel: ChannelName, as projection: Projection) {
        self.add(entry, try? ProjectedData(entry.data), of: channel, projection)
    }

    private mutating func add(
        _ entry: TapeEntry,
        _ data: ProjectedData?,
        of channel: ChannelName,
        _ projection: Projection
    ) {
        let key = String(channel.key)
        self.count += 1
        do throws(ProjectedData.Unprojectable) {
            let data = try ProjectedData.required(data)
            switch projection {
            case .balance:
                let wallet = try Wallet(data, user: key, entry: entry)
                self.balances[wallet.key, default: []].append(Numbered(order: self.count, update: wallet))
            case .transaction:
                let update = try TransactionUpdate(data, user: key, entry: entry)
                self.transactions[update.key, default: []].append(Numbered(order: self.count, update: update))
            case .rate:
                self.rates[channel, default: []].append(try Rate(data, pair: key, entry: entry))
            }
        } catch {
            self.skipped += 1
        }
    }

    // MARK: Rows to read

    /// The wallets with balance updates; ascending.
    package var walletKeys: [RowKey] { self.balances.keys.sorted() }

    /// The transactions with updates; ascending.
    package var transactionKeys: [RowKey] { self.transactions.keys.sorted() }

    /// The pairs with rate changes; ascending by bytes.
    package var pairs: [String] { self.rates.keys.sorted().map { String($0.key) } }

    // MARK: Rows to write

    /// The rows after the updates. Unchanged rows are omitted.
    ///
    /// The closures return the stored row, or nil if there is none. Each is called once per row, ascending.
    package func rows<Failure>(
        wallet: (RowKey) throws(Failure) -> Wallet?,
        transaction: (RowKey) throws(Failure) -> Transaction?,
        rate: (String) throws(Failure) -> Rate?
    ) throws(Failure) -> ProjectedRows {
        var rows = ProjectedRows()
        for (key, updates) in self.balances.sorted(by: { $0.key < $1.key }) {
            var row = try wallet(key)
            // The user of an existing row is already stored.
            if row == nil, let first = updates.first, let lastUpdate = first.update.lastUpdate {
                rows.name(user: key.user, at: lastUpdate.updatedAt, order: first.order)
            }
            var isChanged = false
            for numbered in updates {
                if row == nil {
                    row = numbered.update
                    isChanged = true
                } else if row?.take(numbered.update) ?? false {
                    isChanged = true
                }
            }
            if isChanged, let row { rows.replace(row) }
        }
        for (key, updates) in self.transactions.sorted(by: { $0.key < $1.key }) {
            var row = try transaction(key)
            var isChanged = false
            for numbered in updates {
                let before = row
                if row == nil {
                    row = Transaction(numbered.update)
                } else if row?.take(numbered.update) != true {
                    continue
                }
                isChanged = true
                // Includes what only an intermediate update refers to: the rows must not depend on how events are
                // batched.
                if let row { rows.nameReferences(of: row, before, at: numbered.update.time, order: numbered.order) }
            }
            if isChanged, let row { rows.transactions.append(row) }
        }
        for (channel, changes) in self.rates.sorted(by: { $0.key < $1.key }) {
            var row = try rate(String(channel.key))
            var isChanged = false
            for change in changes {
                if row == nil {
                    row = change
                    isChanged = true
                } else if row?.take(change) ?? false {
                    isChanged = true
                }
            }
            if isChanged, let row { rows.rates.append(row) }
        }
        return rows
    }
}

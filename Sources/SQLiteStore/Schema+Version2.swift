// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// The projections, and what the fan-in keeps.
    ///
    /// Rows are found by their user, so all keys begin with it. Amounts are text in the form of ``Hub/Amount``, times
    /// nanoseconds. The references say what belongs together; they are not enforced, because rows are written together
    /// with what they refer to.
    /// - `wallets.balance`: null where only transactions have named the wallet; then all that a balance tells is null.
    /// - `wallets.seq`, `transactions.seq`, `rates.seq`: the number of the entry that the row is from, on the channel
    ///   of the user or pair.
    /// - `source_marks.types`: names with commas between them.
    /// - `transactions_by_time`, `transactions_by_wallet`: pages, newest first.
    static let version2 = """
        CREATE TABLE users (
            id TEXT NOT NULL PRIMARY KEY,
            created_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE wallets (
            user_id TEXT NOT NULL REFERENCES users (id),
            id TEXT NOT NULL,
            currency TEXT NOT NULL,
            balance TEXT,
            available TEXT,
            version INTEGER,
            updated_at INTEGER,
            seq INTEGER,
            PRIMARY KEY (user_id, id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE transactions (
            user_id TEXT NOT NULL REFERENCES users (id),
            id TEXT NOT NULL,
            type TEXT NOT NULL,
            amount TEXT NOT NULL,
            status TEXT NOT NULL,
            currency TEXT,
            wallet_id TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            PRIMARY KEY (user_id, id),
            FOREIGN KEY (user_id, wallet_id) REFERENCES wallets (user_id, id)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX transactions_by_time ON transactions (user_id, created_at, id);

        CREATE INDEX transactions_by_wallet ON transactions (user_id, wallet_id, created_at, id);

        CREATE TABLE trade_orders (
            user_id TEXT NOT NULL,
            transaction_id TEXT NOT NULL,
            pair TEXT,
            side TEXT,
            price TEXT,
            filled_amount TEXT,
            PRIMARY KEY (user_id, transaction_id),
            FOREIGN KEY (user_id, transaction_id) REFERENCES transactions (user_id, id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE p2p_transfers (
            user_id TEXT NOT NULL,
            transaction_id TEXT NOT NULL,
            recipient_id TEXT NOT NULL,
            recipient_wallet_id TEXT NOT NULL,
            PRIMARY KEY (user_id, transaction_id),
            FOREIGN KEY (user_id, transaction_id) REFERENCES transactions (user_id, id),
            FOREIGN KEY (recipient_id, recipient_wallet_id) REFERENCES wallets (user_id, id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE rates (
            pair TEXT NOT NULL PRIMARY KEY,
            rate TEXT NOT NULL,
            bid TEXT,
            ask TEXT,
            exchange TEXT,
            sequence INTEGER,
            updated_at INTEGER NOT NULL,
            seq INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE dead_letters (
            id INTEGER PRIMARY KEY,
            received INTEGER NOT NULL,
            channel TEXT NOT NULL,
            payload BLOB NOT NULL,
            reason TEXT NOT NULL
        ) STRICT;

        CREATE TABLE source_marks (
            source TEXT NOT NULL PRIMARY KEY,
            seq INTEGER,
            heard INTEGER NOT NULL,
            types TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}

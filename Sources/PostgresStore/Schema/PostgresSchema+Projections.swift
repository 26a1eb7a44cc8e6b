// SPDX-License-Identifier: Apache-2.0

extension PostgresSchema.Migration {
    /// The tables of the projections, part of ``version1``.
    ///
    /// Rows are looked up by user, so all keys begin with it; texts compare by bytes, times are nanoseconds. `numeric`
    /// stores an amount with its original number of decimal places.
    ///
    /// References are checked where a row is new or refers to something else, which locks what is referred to against
    /// removal only. Who has a transaction has its wallet, and who has a wallet is in `users`.
    ///
    /// - `wallets.balance`: null if only transactions name the wallet; then all columns of a balance are null.
    /// - `wallets.seq`, `transactions.seq`, `rates.seq`: the number of the entry that the row is from, on the channel
    ///   of the user or pair.
    /// - `transactions_by_time`, `transactions_by_wallet`: pages, newest first. An update that does not make
    ///   a transaction older or move it to another wallet leaves them alone.
    static let projections = [
        """
        CREATE TABLE users (
            id text COLLATE "C" PRIMARY KEY,
            created_at bigint NOT NULL
        )
        """,
        """
        CREATE TABLE wallets (
            user_id text COLLATE "C" NOT NULL REFERENCES users (id),
            id text COLLATE "C" NOT NULL,
            currency text COLLATE "C" NOT NULL,
            balance numeric,
            available numeric,
            version bigint,
            updated_at bigint,
            seq bigint,
            PRIMARY KEY (user_id, id)
        ) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0)
        """,
        """
        CREATE TABLE transactions (
            user_id text COLLATE "C" NOT NULL,
            id text COLLATE "C" NOT NULL,
            type text COLLATE "C" NOT NULL,
            amount numeric NOT NULL,
            status text COLLATE "C" NOT NULL,
            currency text COLLATE "C",
            wallet_id text COLLATE "C" NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL,
            seq bigint NOT NULL,
            PRIMARY KEY (user_id, id),
            FOREIGN KEY (user_id, wallet_id) REFERENCES wallets (user_id, id)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)
        """,
        "CREATE INDEX transactions_by_time ON transactions (user_id, created_at, id)",
        "CREATE INDEX transactions_by_wallet ON transactions (user_id, wallet_id, created_at, id)",
        """
        CREATE TABLE trade_orders (
            user_id text COLLATE "C" NOT NULL,
            transaction_id text COLLATE "C" NOT NULL,
            pair text COLLATE "C",
            side text COLLATE "C",
            price numeric,
            filled_amount numeric,
            PRIMARY KEY (user_id, transaction_id),
            FOREIGN KEY (user_id, transaction_id) REFERENCES transactions (user_id, id)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)
        """,
        """
        CREATE TABLE p2p_transfers (
            user_id text COLLATE "C" NOT NULL,
            transaction_id text COLLATE "C" NOT NULL,
            recipient_id text COLLATE "C" NOT NULL,
            recipient_wallet_id text COLLATE "C" NOT NULL,
            PRIMARY KEY (user_id, transaction_id),
            FOREIGN KEY (user_id, transaction_id) REFERENCES transactions (user_id, id),
            FOREIGN KEY (recipient_id, recipient_wallet_id) REFERENCES wallets (user_id, id)
        )
        """,
        """
        CREATE TABLE rates (
            pair text COLLATE "C" PRIMARY KEY,
            rate numeric NOT NULL,
            bid numeric,
            ask numeric,
            exchange text COLLATE "C",
            sequence bigint,
            updated_at bigint NOT NULL,
            seq bigint NOT NULL
        ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0)
        """,
    ]
}

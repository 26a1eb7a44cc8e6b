// SPDX-License-Identifier: Apache-2.0

import EventLog

extension ProjectionRows {
    private static let writeUsers = PostgresStatement(
        "write_users",
        """
        INSERT INTO users (id, created_at) SELECT * FROM unnest($1::text[], $2::int8[]) ON CONFLICT DO NOTHING
        """
    )

    static func command(_ users: [User]) -> PostgresCommand {
        var ids = PostgresColumn(.text)
        var times = PostgresColumn(.int8)
        for user in users {
            ids.append(user.id)
            times.append(Int(user.createdAt.nanoseconds))
        }
        return PostgresCommand(Self.writeUsers).with(ids).with(times)
    }

    /// One statement for those with and those without a balance: two would take rows in another order than another
    /// node's two. A wallet that is only named, and is there, is passed over before the conflict, which would lock it
    /// or wait for its owner's append.
    private static let writeWallets = PostgresStatement(
        "write_wallets",
        """
        INSERT INTO wallets (user_id, id, currency, balance, available, version, updated_at, seq)
        SELECT u.user_id, u.id, u.currency, u.balance::numeric, u.available::numeric, u.version, u.updated_at, u.seq
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::int8[])
            WITH ORDINALITY AS u (user_id, id, currency, balance, available, version, updated_at, seq, n)
        LEFT JOIN LATERAL (
            SELECT true AS found FROM wallets WHERE u.seq IS NULL AND user_id = u.user_id AND id = u.id LIMIT 1
        ) k ON true
        WHERE k.found IS NULL ORDER BY u.n
        ON CONFLICT (user_id, id) DO UPDATE SET
            currency = excluded.currency, balance = excluded.balance, available = excluded.available,
            version = excluded.version, updated_at = excluded.updated_at, seq = excluded.seq
        WHERE excluded.seq IS NOT NULL
        """
    )

    static func command(_ wallets: [Wallet]) -> PostgresCommand {
        var users = PostgresColumn(.text)
        var ids = PostgresColumn(.text)
        var currencies = PostgresColumn(.text)
        var balances = PostgresColumn(.text)
        var available = PostgresColumn(.text)
        var versions = PostgresColumn(.int8)
        var times = PostgresColumn(.int8)
        var seqs = PostgresColumn(.int8)
        for wallet in wallets {
            users.append(wallet.key.user)
            ids.append(wallet.key.id)
            currencies.append(wallet.currency)
            balances.append(wallet.lastUpdate?.balance.description)
            available.append(wallet.lastUpdate?.available?.description)
            versions.append(wallet.lastUpdate?.version)
            times.append(wallet.lastUpdate.map { Int($0.updatedAt.nanoseconds) })
            seqs.append(wallet.lastUpdate?.seq)
        }
        return PostgresCommand(Self.writeWallets).with(users).with(ids).with(currencies).with(balances)
            .with(available).with(versions).with(times).with(seqs)
    }

    private static let writeTransactions = PostgresStatement(
        "write_transactions",
        """
        INSERT INTO transactions
            (user_id, id, type, amount, status, currency, wallet_id, created_at, updated_at, seq)
        SELECT user_id, id, type, amount::numeric, status, currency, wallet_id, created_at, updated_at, seq
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[],
            $9::int8[], $10::int8[])
            AS u (user_id, id, type, amount, status, currency, wallet_id, created_at, updated_at, seq)
        ON CONFLICT (user_id, id) DO UPDATE SET
            type = excluded.type, amount = excluded.amount, status = excluded.status, currency = excluded.currency,
            wallet_id = excluded.wallet_id, created_at = excluded.created_at, updated_at = excluded.updated_at,
            seq = excluded.seq
        """
    )

    static func command(_ transactions: [Transaction]) -> PostgresCommand {
        var users = PostgresColumn(.text)
        var ids = PostgresColumn(.text)
        var types = PostgresColumn(.text)
        var amounts = PostgresColumn(.text)
        var statuses = PostgresColumn(.text)
        var currencies = PostgresColumn(.text)
        var wallets = PostgresColumn(.text)
        var created = PostgresColumn(.int8)
        var updated = PostgresColumn(.int8)
        var seqs = PostgresColumn(.int8)
        for transaction in transactions {
            users.append(transaction.key.user)
            ids.append(transaction.key.id)
            types.append(transaction.type)
            amounts.append(transaction.amount.description)
            statuses.append(transaction.status)
            currencies.append(transaction.currency)
            wallets.append(transaction.wallet)
            created.append(Int(transaction.createdAt.nanoseconds))
            updated.append(Int(transaction.updatedAt.nanoseconds))
            seqs.append(transaction.seq)
        }
        return PostgresCommand(Self.writeTransactions).with(users).with(ids).with(types).with(amounts).with(statuses)
            .with(currencies).with(wallets).with(created).with(updated).with(seqs)
    }

    private static let writeTrades = PostgresStatement(
        "write_trades",
        """
        INSERT INTO trade_orders (user_id, transaction_id, pair, side, price, filled_amount)
        SELECT user_id, id, pair, side, price::numeric, filled::numeric
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            AS u (user_id, id, pair, side, price, filled)
        ON CONFLICT (user_id, transaction_id) DO UPDATE SET
            pair = excluded.pair, side = excluded.side, price = excluded.price, filled_amount = excluded.filled_amount
        """
    )

    /// - Parameter transactions: Those whose trade changes; a trade is never taken back.
    static func command(tradesOf transactions: [Transaction]) -> PostgresCommand {
        var users = PostgresColumn(.text)
        var ids = PostgresColumn(.text)
        var pairs = PostgresColumn(.text)
        var sides = PostgresColumn(.text)
        var prices = PostgresColumn(.text)
        var filled = PostgresColumn(.text)
        for transaction in transactions {
            guard let trade = transaction.trade else { continue }
            users.append(transaction.key.user)
            ids.append(transaction.key.id)
            pairs.append(trade.pair)
            sides.append(trade.side)
            prices.append(trade.price?.description)
            filled.append(trade.filledAmount?.description)
        }
        return PostgresCommand(Self.writeTrades).with(users).with(ids).with(pairs).with(sides).with(prices).with(filled)
    }

    private static let writeTransfers = PostgresStatement(
        "write_transfers",
        """
        INSERT INTO p2p_transfers (user_id, transaction_id, recipient_id, recipient_wallet_id)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
        ON CONFLICT (user_id, transaction_id) DO UPDATE SET
            recipient_id = excluded.recipient_id, recipient_wallet_id = excluded.recipient_wallet_id
        """
    )

    /// - Parameter transactions: Those whose transfer changes; a transfer is never taken back.
    static func command(transfersOf transactions: [Transaction]) -> PostgresCommand {
        var users = PostgresColumn(.text)
        var ids = PostgresColumn(.text)
        var recipients = PostgresColumn(.text)
        var wallets = PostgresColumn(.text)
        for transaction in transactions {
            guard let transfer = transaction.transfer else { continue }
            users.append(transaction.key.user)
            ids.append(transaction.key.id)
            recipients.append(transfer.recipient)
            wallets.append(transfer.wallet)
        }
        return PostgresCommand(Self.writeTransfers).with(users).with(ids).with(recipients).with(wallets)
    }

    private static let writeRates = PostgresStatement(
        "write_rates",
        """
        INSERT INTO rates (pair, rate, bid, ask, exchange, sequence, updated_at, seq)
        SELECT pair, rate::numeric, bid::numeric, ask::numeric, exchange, sequence, updated_at, seq
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::int8[])
            AS u (pair, rate, bid, ask, exchange, sequence, updated_at, seq)
        ON CONFLICT (pair) DO UPDATE SET
            rate = excluded.rate, bid = excluded.bid, ask = excluded.ask, exchange = excluded.exchange,
            sequence = excluded.sequence, updated_at = excluded.updated_at, seq = excluded.seq
        """
    )

    static func command(_ rates: [Rate]) -> PostgresCommand {
        var pairs = PostgresColumn(.text)
        var values = PostgresColumn(.text)
        var bids = PostgresColumn(.text)
        var asks = PostgresColumn(.text)
        var exchanges = PostgresColumn(.text)
        var sequences = PostgresColumn(.int8)
        var times = PostgresColumn(.int8)
        var seqs = PostgresColumn(.int8)
        for rate in rates {
            pairs.append(rate.pair)
            values.append(rate.rate.description)
            bids.append(rate.bid?.description)
            asks.append(rate.ask?.description)
            exchanges.append(rate.exchange)
            sequences.append(rate.sequence)
            times.append(Int(rate.updatedAt.nanoseconds))
            seqs.append(rate.seq)
        }
        return PostgresCommand(Self.writeRates).with(pairs).with(values).with(bids).with(asks).with(exchanges)
            .with(sequences).with(times).with(seqs)
    }
}

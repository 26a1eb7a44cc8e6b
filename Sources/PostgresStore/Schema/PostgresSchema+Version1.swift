// SPDX-License-Identifier: Apache-2.0

extension PostgresSchema.Migration {
    /// Per event, one row goes to its place in a partition of `events` for each of its channels, one to `receipts`, and
    /// the row of each channel is updated in place.
    ///
    /// Ids, sources and slots are `bytea`, as `text` cannot hold every string that JSON can. Times are nanoseconds.
    ///
    /// - `channels`: `part` is the partition that holds the head; `slotted` says that an event had a slot, so `newest`
    ///   is kept; otherwise the head is the newest. `accepted` is that of the head.
    /// - `partitions`: which events of which type a partition of `events` holds, by when they were accepted: from
    ///   `starts` to before `ends`. A closed one is being removed by retention.
    /// - `chapters`: a channel's numbers from `first` on, up to the next chapter, are in partition `part`. What makes a
    ///   read cost the same however many partitions there are.
    /// - `events`: `number` is the same for all channels of one event, and unique to it. The hub names partitions
    ///   (`events_17`) and never the table as a whole. Partition 0 holds what retention passed over because it is the
    ///   newest of its slot.
    /// - `receipts`: what dedupe knows: by `receipt_key(source, id)`, the fingerprint and the numbers that the event
    ///   has, in the order of its keys. Fixed keys of 16 bytes keep the one index that is written at random small.
    static let version1 = PostgresSchema.Migration(
        version: 1,
        name: "the tape",
        statements: [
            """
            CREATE TABLE tape (
                name text PRIMARY KEY,
                value text NOT NULL
            )
            """,
            """
            CREATE TABLE channels (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                name text COLLATE "C" NOT NULL UNIQUE,
                head bigint NOT NULL DEFAULT 0,
                first bigint NOT NULL DEFAULT 1,
                accepted bigint NOT NULL DEFAULT 0,
                part integer NOT NULL DEFAULT 0,
                slotted boolean NOT NULL DEFAULT false
            ) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0)
            """,
            """
            CREATE TABLE partitions (
                id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                type text NOT NULL,
                starts bigint NOT NULL,
                ends bigint NOT NULL,
                closed boolean NOT NULL DEFAULT false,
                UNIQUE (type, starts)
            )
            """,
            """
            CREATE TABLE chapters (
                channel bigint NOT NULL,
                first bigint NOT NULL,
                part integer NOT NULL,
                PRIMARY KEY (channel, first)
            )
            """,
            """
            CREATE TABLE events (
                part integer NOT NULL,
                channel bigint NOT NULL,
                seq bigint NOT NULL,
                number bigint NOT NULL,
                accepted bigint NOT NULL,
                time bigint NOT NULL,
                source bytea NOT NULL,
                id bytea NOT NULL,
                slot bytea NOT NULL,
                data bytea NOT NULL
            ) PARTITION BY LIST (part)
            """,
            "CREATE TABLE events_0 PARTITION OF events FOR VALUES IN (0)",
            "ALTER TABLE events_0 ADD PRIMARY KEY (channel, seq)",
            "CREATE INDEX events_0_number ON events_0 (number)",
            "CREATE SEQUENCE batches",
            """
            CREATE TABLE receipts (
                key uuid PRIMARY KEY,
                fingerprint bytea NOT NULL,
                seqs text NOT NULL
            )
            """,
            """
            CREATE FUNCTION receipt_key(source bytea, id bytea) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
                SELECT substring(encode(sha256(
                    convert_to(octet_length(source) || ':', 'UTF8') || source
                    || convert_to(octet_length(id) || ':', 'UTF8') || id || '0:0:'::bytea
                ), 'hex') for 32)::uuid
            $$
            """,
            """
            CREATE TABLE newest (
                channel bigint NOT NULL,
                slot bytea NOT NULL,
                seq bigint NOT NULL,
                part integer NOT NULL,
                PRIMARY KEY (channel, slot)
            ) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0)
            """,
            """
            CREATE TABLE dead_letters (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                received bigint NOT NULL,
                channel bytea NOT NULL,
                payload bytea NOT NULL,
                reason bytea NOT NULL
            )
            """,
            """
            CREATE TABLE source_marks (
                source bytea PRIMARY KEY,
                seq bigint,
                heard bigint NOT NULL,
                types text NOT NULL
            )
            """,
        ] + projections
    )
}

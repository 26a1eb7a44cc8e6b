// SPDX-License-Identifier: Apache-2.0

extension PostgresSchema.Migration {
    /// - `revocations`: one row for each target. `change` grows with every change of any of them; as changes are made
    ///   under a lock on the table, none becomes visible after a later one.
    /// - `audit_trail`: appended to in batches by every node. Times are nanoseconds.
    static let access = PostgresSchema.Migration(
        version: 2,
        name: "revocations and audit trail",
        statements: [
            "CREATE SEQUENCE revocation_changes",
            """
            CREATE TABLE revocations (
                kind text COLLATE "C" NOT NULL,
                value text COLLATE "C" NOT NULL,
                change bigint NOT NULL UNIQUE DEFAULT nextval('revocation_changes'),
                since bigint NOT NULL,
                until bigint,
                reason text NOT NULL,
                lifted boolean NOT NULL DEFAULT false,
                PRIMARY KEY (kind, value)
            )
            """,
            """
            CREATE TABLE audit_trail (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                time bigint NOT NULL,
                node text NOT NULL,
                actor text COLLATE "C" NOT NULL,
                action text COLLATE "C" NOT NULL,
                object text NOT NULL,
                result text NOT NULL,
                count bigint NOT NULL,
                detail text NOT NULL
            )
            """,
            "CREATE INDEX audit_trail_time ON audit_trail (time)",
            "CREATE INDEX audit_trail_actor ON audit_trail (actor, id)",
        ]
    )
}

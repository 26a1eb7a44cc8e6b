// SPDX-License-Identifier: Apache-2.0

/// What people have to know of each setting. One that is missing here has an empty cell, which a test does not accept.
extension SettingReference {
    static let topics: [(name: String, settings: [Setting])] = [
        ("Listening", [.host, .port, .page, .adminHost, .adminPort, .adminNames, .node, .loops]),
        ("Database", [.database, .databasePasswordFile, .migrate, .housekeeping]),
        ("Redis and other nodes", [.redis, .redisPasswordFile, .busSecret, .busSecretFile, .fanIn, .staleAfter]),
        (
            "Tokens and access",
            [
                .jwtSecret, .jwtSecretFile, .jwtKeys, .jwksURL, .jwksMaxStale, .jwtIssuer, .jwtAudience, .maxTokenAge,
                .anonymous, .supportScope, .audit, .auditRetention,
            ]
        ),
        ("Connections", [.heartbeat, .silence, .authenticationTimeout, .closeSlowConsumers, .drainWindow]),
        (
            "Sizes",
            [.maxBody, .maxMessage, .maxEvents, .maxData, .maxSubscriptions, .ringMemory, .writeQueue, .maxMemory]
        ),
        ("Compression", [.compression, .compressionThreshold, .compressionTakeovers]),
        ("TLS", [.tlsCertificate, .tlsKey, .tlsClientCA, .publisherCertificates]),
        (
            "Guarding",
            [
                .headTimeout, .bodyTimeout, .idleTimeout, .allowedOrigins, .trustedProxies, .countryFile,
                .blockedCountries, .maxConnectionsPerAddress, .maxConnectionsPerUser, .maxMessageRate, .maxByteRate,
                .maxPublishRate, .maxConnectionRate, .maxLag,
            ]
        ),
        ("Logs and traces", [.logLevel, .logFormat, .otlpEndpoint, .traceSample]),
    ]

    /// What settings take that are read as text, or as something that the file's reader does not know.
    static let forms: [Setting: String] = [
        .host: "an address or name", .adminHost: "an address or name",
        .redis: "`redis://` or `rediss://`, `user:password@host:port/db`",
        .fanIn: "patterns, each as `PATTERN` or `PATTERN=TYPE,source:NAME`, or off",
        .busSecretFile: "a file, or two",
        .databasePasswordFile: "a file", .redisPasswordFile: "a file", .jwtSecretFile: "a file",
        .jwtKeys: "files, each as `PATH` or `KID=PATH`", .jwtAudience: "words", .supportScope: "a scope, or off",
        .tlsCertificate: "a PEM file", .tlsKey: "a PEM file", .tlsClientCA: "a PEM file", .countryFile: "a file",
        .blockedCountries: "countries, as `KP IR`",
    ]

    static let meanings: [Setting: String] = [
        .host: "Where WebSocket and HTTP are listened for. `0.0.0.0` for all of IPv4, `::` for both.",
        .port: "One port for WebSocket and HTTP; 0 takes a free one and logs it.",
        .adminHost:
            "Of the operators' port, whatever `host` says: it has no login, so it is for loopback or a private net.",
        .adminPort: "Metrics, health, drain, revocations, audit. Where it was not set and cannot be had, the hub runs "
            + "without it.",
        .node: "The node's name, as `welcome`, audit and traces say it. Give each node its own.",
        .page: "The live page at `/`; the operators' page is on the admin port in any case.",
        .adminNames: "Names and addresses by which the admin port may be addressed, beside localhost, loopback and the "
            + "address that a request comes to.",
        .loops: "Event loops; one per core when not set. In a container: the whole CPUs of its limit.",
        .database: "`sqlite:` for one node; Postgres (14 or later) for one and more; `memory:` does not survive the "
            + "process.",
        .databasePasswordFile: "Password of the Postgres user, rather than in the URL.",
        .migrate: "Bring an older database up to this version at start; or run `broadtape migrate up` before.",
        .housekeeping: "Between two rounds of retention.",
        .redis: "Joins the nodes of one Postgres, and takes events in. Not set: one node alone.",
        .redisPasswordFile: "Password of Redis, rather than in the URL.",
        .busSecret: "Secret that nodes sign their messages to each other with, 32 bytes or more. Rather use the file.",
        .busSecretFile: "The same in a file, for all nodes. Of two, messages are signed with the first and taken with "
            + "either. Not set: a key derived from the JWT secret.",
        .fanIn: "Redis channels whose messages are events, as `POST /events` takes them, and which types and sources "
            + "each may carry. `chain.` and `rate.` channels say it by their names.",
        .staleAfter: "A source of the fan-in that is silent for so long is told of as stale.",
        .jwtSecret: "Secret of HS256 tokens, 32 bytes or more. Rather use the file.",
        .jwtSecretFile: "The same in a file; made when missing, unless it was set, or other keys were.",
        .jwtKeys: "Public keys: PEM (RS256, ES256, EdDSA) or JSON Web Key Sets. A `KID` goes with one key.",
        .jwksURL: "Where an issuer publishes its keys. Until they come the node is not ready.",
        .jwksMaxStale: "How long old keys serve while new ones cannot be fetched.",
        .jwtIssuer: "The `iss` that tokens must have; any when not set.",
        .jwtAudience: "The `aud` that tokens must have, one of these; any when not set.",
        .maxTokenAge: "How long a token is good for after its `iat`. Revocations are forgotten after as long.",
        .anonymous: "Public types can be read without a token.",
        .supportScope: "The scope that lets someone read users' private channels, which is audited.",
        .audit: "Keep who published, what support read, what operators did.",
        .auditRetention: "How long that is kept.",
        .heartbeat: "Between two heartbeats, with the heads that moved, and pings.",
        .silence: "Without a sign of life a connection is closed (4009). Longer than `heartbeat`.",
        .authenticationTimeout: "To authenticate, or to subscribe to something public (4501).",
        .closeSlowConsumers: "Closes who takes nothing for so long while events wait that it must all get (4008).",
        .drainWindow: "Over which clients of a leaving node are asked to come back.",
        .maxBody: "Of one HTTP request (413).",
        .maxMessage: "Of one WebSocket message from a client (1009).",
        .maxEvents: "Of one request to publish (413).",
        .maxData: "`data` of one event (413).",
        .maxSubscriptions: "Of one session (4505).",
        .ringMemory: "Recent frames of all channels, for readers a little behind.",
        .writeQueue: "Events waiting for their commit; past it 503.",
        .maxMemory: "Of the process in RAM, best four fifths of what there is: past it nobody new is let in (503).",
        .compression: "permessage-deflate for clients that offer it: fewer bytes for more CPU.",
        .compressionThreshold: "Shorter messages go as they are.",
        .compressionTakeovers: "Connections whose events may be compressed with the help of those before.",
        .tlsCertificate: "The certificate and those that lead to a trusted one. With `tls-key`, TLS alone is spoken.",
        .tlsKey: "Its key. Both are read again when they change, and on SIGHUP.",
        .tlsClientCA: "Asks clients for a certificate that one of these has signed; none is fine.",
        .publisherCertificates: "With `required` publishing takes such a certificate, over and above a token.",
        .headTimeout: "For TLS and the head of a request (408).",
        .bodyTimeout: "For the body of a request, of which 1 KiB has to come every 5 s (408).",
        .idleTimeout: "Of an HTTP connection without a request.",
        .allowedOrigins: "With a list, pages of others get 403 on `/ws` and no CORS.",
        .trustedProxies: "Whose `X-Forwarded-For` says who the client is; nobody's when not set.",
        .countryFile: "Lines of a prefix and a country, as `192.0.2.0/24,KP`; read again as certificates are.",
        .blockedCountries: "Not served (403), by that file.",
        .maxConnectionsPerAddress:
            "Of an IPv4 address or IPv6 /64 on this node (429). Mobile networks share addresses.",
        .maxConnectionsPerUser: "Of one user on this node (4504).",
        .maxMessageRate:
            "Messages and pings a second of one WebSocket, ten times as many at once (4508). Not of who may "
            + "publish.",
        .maxByteRate: "The same in bytes.",
        .maxPublishRate: "Events a second of one service on this node, twice as many at once (429).",
        .maxConnectionRate: "WebSockets begun a second on this node; past it 503 with a spread `Retry-After`.",
        .maxLag: "New WebSockets are asked to come back later while loops are this late (503).",
        .logLevel: "Least level that is logged.",
        .logFormat: "`json` writes one object a line.",
        .otlpEndpoint: "Of an OpenTelemetry collector that takes spans (OTLP/HTTP); none unless set.",
        .traceSample: "Part of requests without a `traceparent` that begin a trace.",
    ]

    static let typeMeanings: [String: String] = [
        "readers":
            "`owner` (the user whose id is the key), `everyone`, or `scope` (`read:` and the type). Needed for a "
            + "new type.",
        "delivery": "`every` event (the default), or the `latest` (of each slot) for those who cannot keep up.",
        "key-field": "The field of `data` that is the key when the event has none.",
        "slot": "For `latest`: a field, or `{ field, default }`; the newest of each of its values is kept.",
        "retention": "How long events can be resumed from: a duration, or `forever`, the default of a new type.",
        "fields": "Names with a kind (`decimal`, `string`, `integer`, `boolean`, `object`, `array`, `any`), or "
            + "`{ kind, required }`, or `{ values: […], required }`. What is not named passes through untouched.",
    ]

    static let serviceMeanings: [String: String] = [
        "scopes": "What it may do: `publish:TYPE`, `read:TYPE`, `*` for all types; `source:NAME`, `source:*`.",
        "api-keys":
            "Hashes of its API keys, as `broadtape api-key` prints them; two at most, to replace one by the other.",
        "webhook-secret-files": "Files of secrets (32 bytes or more) with which it signs requests; two at most.",
    ]

    static let chainMeanings: [String: String] = [
        "kind": "`evm`, the default, or `hedera`, whose keys are in [hedera](hedera.md).",
        "endpoints": "JSON-RPC addresses of nodes of this chain, the preferred one first; others stand in for it.",
        "endpoints-file": "The same from a file, one a line, for addresses that hold a key.",
        "websocket": "One address or a list: hears of new blocks at once; without it they are looked for only.",
        "chain-id": "A node of another chain is not asked.",
        "start": "First block (0 when not set).",
        "finality": "`tag`, what the node says is final (the default), or so many blocks below the head.",
        "confirmations": "Blocks on top from which on a block is confirmed.",
        "levels": "Which of `seen`, `confirmed`, `final` there are events for.",
        "bloom": "`exact`, or `off` where blocks' bloom filters are not kept to.",
        "poll": "Between two looks; at most the time between blocks.",
        "stall": "How long the head may stay the same until another endpoint is asked (30s when not set), or `off`.",
        "range": "Most blocks of one request.",
        "owners": "Addresses with the users whose wallets they are.",
        "owners-file": "The same from a file, `address user` a line, read again when it changes.",
        "contracts": "Addresses with lists of the events to tell of: a signature, or `{ event, moves }`.",
    ]
}

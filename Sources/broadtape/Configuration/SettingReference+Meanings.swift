// SPDX-License-Identifier: Apache-2.0

/// Descriptions of all settings. A setting without a description has an empty cell, which a test rejects.
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

    /// Accepted values of settings that are read as text or by a parser of their own.
    static let forms: [Setting: String] = [
        .host: "an address or name", .adminHost: "an address or name",
        .redis: "`redis://` or `rediss://`, `user:password@host:port/db`",
        .fanIn: "patterns, each as `PATTERN` or `PATTERN=TYPE,source:NAME`, or off",
        .busSecretFile: "one file, or two",
        .databasePasswordFile: "a file", .redisPasswordFile: "a file", .jwtSecretFile: "a file",
        .jwtKeys: "files, each as `PATH` or `KID=PATH`", .jwtAudience: "words", .supportScope: "a scope, or off",
        .tlsCertificate: "a PEM file", .tlsKey: "a PEM file", .tlsClientCA: "a PEM file", .countryFile: "a file",
        .blockedCountries: "countries, as `KP IR`",
    ]

    static let meanings: [Setting: String] = [
        .host: "Address that WebSocket and HTTP listen on: `0.0.0.0` for all IPv4 interfaces, `::` for both IPv4 and "
            + "IPv6.",
        .port: "One port for WebSocket and HTTP; with 0 the system assigns a free port, which is logged.",
        .adminHost: "Listen address of the admin port, independent of `host`. The port has no login: use loopback or a "
            + "private network.",
        .adminPort:
            "Metrics, health, drain, revocations, audit. If the default port is in use, the hub runs without it.",
        .node: "Node name, as shown in `welcome`, the audit trail and traces. Each node needs its own.",
        .page: "Serves the live page at `/`. The operators' page on the admin port does not depend on it.",
        .adminNames: "Host names and addresses accepted in the `Host` header of the admin port, in addition to "
            + "localhost, loopback and the address the request arrives at.",
        .loops: "Number of event loops; one per core if not set. In a container: the whole CPUs of its limit.",
        .database: "`sqlite:` for a single node; Postgres 14 or later for one or more; `memory:` is lost when the "
            + "process exits.",
        .databasePasswordFile: "File with the Postgres password, instead of a password in the URL.",
        .migrate: "Migrates an older database at startup. Alternatively, run `broadtape migrate up` first.",
        .housekeeping: "Interval between retention runs.",
        .redis: "Connects the nodes that share one Postgres, and enables fan-in. Not set: a single node.",
        .redisPasswordFile: "File with the Redis password, instead of a password in the URL.",
        .busSecret: "Secret for signing messages between nodes, 32 bytes or more. Prefer `bus-secret-file`.",
        .busSecretFile: "File with that secret, the same on all nodes. With two files, the first signs and both "
            + "verify. Not set: a key derived from the JWT secret.",
        .fanIn: "Redis channels whose messages are published as events, in the format of `POST /events`, with the "
            + "types and sources each may carry. For `chain.` and `rate.` channels these follow from the name.",
        .staleAfter: "Time without a message after which a fan-in source is reported as stale.",
        .jwtSecret: "Secret of HS256 tokens, 32 bytes or more. Prefer `jwt-secret-file`.",
        .jwtSecretFile:
            "File with that secret. The default file is created if it is missing and no other keys are set.",
        .jwtKeys: "Public keys: PEM (RS256, ES256, EdDSA) or JSON Web Key Sets. `KID` sets the key ID of a PEM key.",
        .jwksURL: "URL of the issuer's JSON Web Key Set. The node is not ready until it has been fetched.",
        .jwksMaxStale: "How long cached keys stay in use while new ones cannot be fetched.",
        .jwtIssuer: "Required `iss` of tokens; any if not set.",
        .jwtAudience: "Accepted `aud` values of tokens, separated by spaces; any if not set.",
        .maxTokenAge: "Maximum token age, counted from `iat`. Revocations expire after the same time.",
        .anonymous: "Allows reading public types without a token.",
        .supportScope: "Scope that allows support staff to read users' private channels. Each read is audited.",
        .audit: "Records who published, what support staff read and what operators did.",
        .auditRetention: "How long audit records are kept.",
        .heartbeat: "Interval between heartbeats, which carry changed heads, and pings.",
        .silence: "Closes a connection after this time without any data from the client (4009). Must be longer than "
            + "`heartbeat`.",
        .authenticationTimeout: "Time a new connection has to authenticate or to subscribe to a public channel (4501).",
        .closeSlowConsumers:
            "Closes a client that reads nothing for this long while events that it must not miss are waiting (4008).",
        .drainWindow: "Time over which the clients of a draining node are asked to reconnect.",
        .maxBody: "Maximum size of an HTTP request body (413).",
        .maxMessage: "Maximum size of a WebSocket message from a client (1009).",
        .maxEvents: "Maximum number of events in one publish request (413).",
        .maxData: "Maximum size of the `data` of one event (413).",
        .maxSubscriptions: "Maximum number of subscriptions per session (4505).",
        .ringMemory: "Memory for recent frames of all channels, which serve readers that are slightly behind.",
        .writeQueue: "Maximum size of events waiting for their commit; above it, publishers get 503.",
        .maxMemory: "Limit of the resident memory of the process, best 80 % of what is available; above it, new "
            + "connections get 503.",
        .compression: "Enables permessage-deflate for clients that offer it: less bandwidth for more CPU.",
        .compressionThreshold: "Messages shorter than this are not compressed.",
        .compressionTakeovers:
            "Maximum number of connections with context takeover: better compression for more memory and CPU.",
        .tlsCertificate: "Certificate chain, server certificate first. With `tls-key`, the port serves TLS only.",
        .tlsKey: "Private key of the certificate. Both files are reloaded when they change, and on SIGHUP.",
        .tlsClientCA: "CA certificates for client certificates. Clients may connect without one.",
        .publisherCertificates: "With `required`, publishing needs a client certificate in addition to a token.",
        .headTimeout: "Time limit for the TLS handshake and a request's head (408).",
        .bodyTimeout: "Time limit for a request's body, of which at least 1 KiB has to arrive every 5 s (408).",
        .idleTimeout: "Closes an HTTP connection after this time without a request.",
        .allowedOrigins: "With a list, pages of other origins get 403 on `/ws` and no CORS headers. "
            + "`https://*.example.com` matches all names below `example.com`, but not itself.",
        .trustedProxies: "Proxies whose `X-Forwarded-For` is used as the client address; none if not set.",
        .countryFile:
            "File with one prefix and country per line, such as `192.0.2.0/24,KP`; reloaded like certificates.",
        .blockedCountries: "Countries whose addresses get 403, according to `country-file`, which has to have them.",
        .maxConnectionsPerAddress: "Maximum number of connections per IPv4 address or IPv6 /64 on this node (429). "
            + "Mobile networks share addresses.",
        .maxConnectionsPerUser: "Maximum number of connections per user on this node (4504).",
        .maxMessageRate: "Messages and pings per second on one WebSocket, with a burst of ten times as many (4508). "
            + "Does not apply to publishers.",
        .maxByteRate: "The same limit in bytes per second.",
        .maxPublishRate: "Events per second of one service on this node, with a burst of twice as many (429).",
        .maxConnectionRate: "New WebSocket connections per second on this node; above it, clients get 503 with a "
            + "randomized `Retry-After`.",
        .maxLag: "Event-loop lag above which new WebSocket connections get 503 with `Retry-After`.",
        .logLevel: "Minimum log level.",
        .logFormat: "`json` writes one object per line.",
        .otlpEndpoint: "OpenTelemetry collector that receives spans (OTLP/HTTP); none if not set.",
        .traceSample: "Fraction of requests without a `traceparent` for which a trace is started.",
    ]

    static let typeMeanings: [String: String] = [
        "readers": "`owner` (the user whose ID is the key), `everyone`, or `scope` (`read:` and the type). Required "
            + "for a new type.",
        "delivery": "`every` event (the default), or only the `latest` (of each slot) for readers that cannot keep up.",
        "key-field": "Field of `data` that is used as the key if the event has none.",
        "slot": "For `latest`: a field, or `{ field, default }`. The newest event of each of its values is kept.",
        "retention": "How long events can be resumed from: a duration, or `forever`, the default of a new type.",
        "fields": "Field names with a kind (`decimal`, `string`, `integer`, `boolean`, `object`, `array`, `any`), or "
            + "`{ kind, required }`, or `{ values: […], required }`. Other fields pass through unchanged.",
    ]

    static let serviceMeanings: [String: String] = [
        "scopes": "What the service may do: `publish:TYPE`, `read:TYPE`, `*` for all types; `source:NAME`, `source:*`.",
        "api-keys": "Hashes of its API keys, as `broadtape api-key` prints them. At most two, for key rotation.",
        "webhook-secret-files":
            "Files with the secrets (32 bytes or more) that sign its requests. At most two, for rotation.",
    ]

    static let chainMeanings: [String: String] = [
        "kind": "`evm`, the default, or `hedera`, whose keys are in [hedera](hedera.md).",
        "endpoints": "JSON-RPC URLs of nodes of this chain, the preferred one first; the others are fallbacks.",
        "endpoints-file": "File with the same URLs, one per line, for URLs that contain an API key.",
        "websocket":
            "WebSocket URL or a list of URLs, for new blocks as they arrive. Without it, the chain is only polled.",
        "chain-id": "Expected chain ID. A node with another one is not used.",
        "start": "First block; 0 if not set.",
        "finality": "`tag`, the node's finalized block (the default), or a number of blocks below the head.",
        "confirmations": "Number of blocks on top after which a block is confirmed.",
        "levels": "Which of `seen`, `confirmed` and `final` to publish events for.",
        "bloom": "`exact`, or `off` for chains whose block bloom filters are not reliable.",
        "poll": "Polling interval; at most the block time.",
        "stall": "How long the head may stay unchanged before another endpoint is used (30s if not set), or `off`.",
        "range": "Maximum number of blocks per request.",
        "owners": "Wallet addresses, each with the user it belongs to.",
        "owners-file": "File with the same, one `address user` per line; reloaded when it changes.",
        "contracts":
            "Contract addresses, each with a list of the events to publish: a signature, or `{ event, moves }`.",
    ]
}

// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

extension Target.Dependency {
    static let argumentParser: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncHTTPClient: Self = .product(name: "AsyncHTTPClient", package: "async-http-client")
    static let configuration: Self = .product(name: "Configuration", package: "swift-configuration")
    static let crypto: Self = .product(name: "Crypto", package: "swift-crypto")
    static let dequeModule: Self = .product(name: "DequeModule", package: "swift-collections")
    static let grdb: Self = .product(name: "GRDB", package: "GRDB.swift")
    static let heapModule: Self = .product(name: "HeapModule", package: "swift-collections")
    static let histogram: Self = .product(name: "Histogram", package: "hdrhistogram-swift")
    static let httpTypes: Self = .product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird: Self = .product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore: Self = .product(name: "HummingbirdCore", package: "hummingbird")
    static let jwtKit: Self = .product(name: "JWTKit", package: "jwt-kit")
    static let logging: Self = .product(name: "Logging", package: "swift-log")
    static let nioCore: Self = .product(name: "NIOCore", package: "swift-nio")
    static let nioEmbedded: Self = .product(name: "NIOEmbedded", package: "swift-nio")
    static let nioExtras: Self = .product(name: "NIOExtras", package: "swift-nio-extras")
    static let nioHTTP1: Self = .product(name: "NIOHTTP1", package: "swift-nio")
    static let nioHTTPTypes: Self = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let nioPosix: Self = .product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL: Self = .product(name: "NIOSSL", package: "swift-nio-ssl")
    static let orderedCollections: Self = .product(name: "OrderedCollections", package: "swift-collections")
    static let serviceLifecycle: Self = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals: Self = .product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let yams: Self = .product(name: "Yams", package: "Yams")
}

let package = Package(
    name: "broadtape",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .executable(name: "broadtape", targets: ["broadtape"]),
        .executable(name: "broadtape-load", targets: ["broadtape-load"]),
        .executable(name: "broadtape-bench", targets: ["broadtape-bench"]),
        .library(name: "BroadtapeClient", targets: ["BroadtapeClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0"),
        .package(url: "https://github.com/vapor/jwt-kit.git", from: "5.7.0"),
        .package(
            url: "https://github.com/apple/swift-configuration.git",
            from: "1.4.0",
            traits: [.defaults, "YAML"]
        ),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", from: "0.2.0"),
    ],
    targets: [
        .target(name: "JSON", swiftSettings: settings),
        .target(name: "SafeText", swiftSettings: settings),
        .target(name: "Secrets", dependencies: [.crypto], swiftSettings: settings),
        .target(name: "WebSocket", dependencies: ["CZlib", .crypto, .nioCore], swiftSettings: settings),
        .target(
            name: "EventLog",
            dependencies: ["JSON", .crypto, .dequeModule, .logging, .nioCore, .serviceLifecycle],
            swiftSettings: settings
        ),
        .target(
            name: "Hub",
            dependencies: [
                "EventLog", "JSON", .crypto, .dequeModule, .logging, .nioCore, .orderedCollections, .serviceLifecycle,
            ],
            swiftSettings: settings
        ),
        .target(name: "SQLiteStore", dependencies: ["EventLog", "JSON", .grdb, .logging], swiftSettings: settings),
        .target(
            name: "PostgresStore",
            dependencies: ["CLibPQ", "EventLog", "JSON", "SafeText", .logging, .nioCore, .nioPosix],
            swiftSettings: settings
        ),
        .target(
            name: "RedisBus",
            dependencies: [
                "CHiredis", "EventLog", "JSON", "SafeText", "Secrets", .crypto, .dequeModule, .logging, .nioCore,
                .nioPosix, .nioSSL,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Pages",
            resources: [
                .embedInCode("absence.js"), .embedInCode("ask.js"), .embedInCode("chart.js"),
                .embedInCode("dialog.js"), .embedInCode("figures.js"), .embedInCode("icon.svg"),
                .embedInCode("index.html"),
                .embedInCode("kit.js"), .embedInCode("line.js"), .embedInCode("money.js"),
                .embedInCode("operator.css"), .embedInCode("operator.html"), .embedInCode("operator.js"),
                .embedInCode("page.css"), .embedInCode("page.js"), .embedInCode("rates.js"), .embedInCode("tables.js"),
                .embedInCode("text.js"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "BrowserClient",
            resources: [.embedInCode("broadtape.js"), .embedInCode("broadtape.d.ts")],
            swiftSettings: settings
        ),
        .target(
            name: "Server",
            dependencies: [
                "BrowserClient", "EventLog", "Hub", "JSON", "Pages", "SafeText", "Secrets", "WebSocket",
                .asyncHTTPClient, .crypto, .httpTypes, .hummingbird, .hummingbirdCore, .jwtKit, .logging, .nioCore,
                .nioExtras, .nioHTTP1, .nioHTTPTypes, .nioPosix, .nioSSL, .serviceLifecycle,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "WebSocketClient",
            dependencies: ["JSON", "SafeText", "WebSocket", .nioCore, .nioPosix, .nioSSL],
            swiftSettings: settings
        ),
        .target(
            name: "BroadtapeClient",
            dependencies: [
                "JSON", "WebSocketClient", .asyncHTTPClient, .dequeModule, .nioCore, .nioHTTP1, .nioPosix,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Ingest",
            dependencies: ["EventLog", "JSON", "SafeText", .asyncHTTPClient, .logging, .nioCore, .nioHTTP1],
            swiftSettings: settings
        ),
        .target(
            name: "ChainSource",
            dependencies: [
                "EventLog", "Ingest", "JSON", "WebSocketClient", .asyncHTTPClient, .logging, .nioCore, .nioHTTP1,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "RateSource",
            dependencies: [
                "EventLog", "Ingest", "JSON", "SafeText", "WebSocketClient", .asyncHTTPClient, .logging, .nioCore,
                .nioHTTP1,
            ],
            swiftSettings: settings
        ),
        .target(name: "Terminal", dependencies: ["JSON", "SafeText", .argumentParser], swiftSettings: settings),
        .target(name: "Monitor", dependencies: ["JSON", "Terminal"], swiftSettings: settings),
        .executableTarget(
            name: "broadtape",
            dependencies: [
                "BroadtapeClient", "ChainSource", "EventLog", "Hub", "Ingest", "JSON", "Monitor", "PostgresStore",
                "RateSource", "RedisBus", "SafeText", "Secrets", "Server", "SQLiteStore", "Terminal", "WebSocket",
                "WebSocketClient", .argumentParser, .asyncHTTPClient, .configuration, .httpTypes, .hummingbird,
                .logging, .nioCore, .nioHTTP1, .nioPosix, .serviceLifecycle, .unixSignals, .yams,
            ],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),

        .target(
            name: "LoadKit",
            dependencies: [
                "BroadtapeClient", "JSON", "SafeText", "Secrets", "Terminal", .asyncHTTPClient, .crypto, .dequeModule,
                .histogram, .nioCore, .nioHTTP1, .nioPosix,
            ],
            path: "LoadTests/Kit",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "broadtape-load",
            dependencies: [
                "BroadtapeClient", "JSON", "LoadKit", "Secrets", "Terminal", .argumentParser, .nioCore, .nioPosix,
            ],
            path: "LoadTests/Command",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "broadtape-bench",
            dependencies: [
                "EventLog", "Hub", "JSON", "PostgresStore", "RedisBus", "Secrets", "SQLiteStore", "Terminal",
                "WebSocket", .argumentParser, .logging, .nioCore, .nioPosix,
            ],
            path: "LoadTests/Bench",
            exclude: ["RESULTS.md", "postgres.py"],
            swiftSettings: settings
        ),

        .executableTarget(
            name: "broadtape-echo",
            dependencies: ["WebSocket", .nioCore, .nioPosix],
            path: "Tests/EchoServer",
            swiftSettings: settings
        ),
        .systemLibrary(name: "CSpawn", path: "Tests/CSpawn"),
        .target(
            name: "TestSupport",
            dependencies: [
                "BroadtapeClient", "CSpawn", "EventLog", "JSON", .asyncHTTPClient, .logging, .nioCore, .nioHTTP1,
                .nioPosix,
            ],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "EventLog", "Hub", "JSON", "RedisBus", "Server", "TestSupport", "WebSocket", .nioCore, .nioEmbedded,
                .nioHTTP1,
            ],
            path: "Tests/Fuzz/Targets",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "broadtape-fuzz",
            dependencies: ["FuzzTargets"],
            path: "Tests/Fuzz/Program",
            swiftSettings: settings
        ),

        .target(name: "SimulatorRuntime", path: "Tests/Simulator/Runtime"),
        .executableTarget(
            name: "broadtape-simulator",
            dependencies: [
                "BroadtapeClient", "EventLog", "Hub", "JSON", "SimulatorRuntime", "WebSocketClient", .argumentParser,
                .dequeModule, .heapModule, .logging, .nioCore,
            ],
            path: "Tests/Simulator/Program",
            swiftSettings: settings
        ),

        .testTarget(
            name: "SimulatorTests",
            dependencies: ["TestSupport"],
            path: "Tests/Simulator/Tests",
            swiftSettings: settings
        ),
        .testTarget(
            name: "FuzzTests",
            dependencies: ["FuzzTargets", "JSON", "TestSupport"],
            path: "Tests/Fuzz/Tests",
            swiftSettings: settings
        ),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"], swiftSettings: settings),
        .testTarget(name: "SafeTextTests", dependencies: ["JSON", "SafeText"], swiftSettings: settings),
        .testTarget(
            name: "WebSocketTests",
            dependencies: ["TestSupport", "WebSocket", .nioCore],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EventLogTests",
            dependencies: ["EventLog", "Hub", "JSON", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HubTests",
            dependencies: [
                "EventLog", "Hub", "JSON", "PostgresStore", "SQLiteStore", "TestSupport", .logging, .nioCore, .nioPosix,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "EventLog", "JSON", "PostgresStore", "SQLiteStore", "TestSupport", .grdb, .logging, .nioCore, .nioPosix,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RedisBusTests",
            dependencies: [
                "EventLog", "Hub", "RedisBus", "Secrets", "TestSupport", .logging, .nioCore, .nioPosix, .nioSSL,
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "WebSocketClientTests", dependencies: ["WebSocketClient"], swiftSettings: settings),
        .testTarget(
            name: "BroadtapeClientTests",
            dependencies: ["BroadtapeClient", "JSON", "TestSupport", "WebSocket", .nioCore, .nioPosix, .nioSSL],
            swiftSettings: settings
        ),
        .testTarget(
            name: "IngestTests",
            dependencies: ["EventLog", "Ingest", "TestSupport", .asyncHTTPClient, .logging, .nioCore, .nioPosix],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ChainSourceTests",
            dependencies: [
                "BroadtapeClient", "ChainSource", "EventLog", "Hub", "Ingest", "JSON", "PostgresStore", "SQLiteStore",
                "TestSupport", "WebSocketClient", .asyncHTTPClient, .logging, .nioCore, .nioPosix,
            ],
            exclude: ["Vectors"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RateSourceTests",
            dependencies: [
                "BroadtapeClient", "EventLog", "Hub", "Ingest", "JSON", "PostgresStore", "RateSource", "SQLiteStore",
                "TestSupport", .asyncHTTPClient, .logging, .nioCore, .nioHTTP1, .nioPosix,
            ],
            exclude: ["Vectors"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "TerminalTests",
            dependencies: ["Monitor", "Terminal", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DocumentTests",
            dependencies: ["JSON", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "LoadKitTests",
            dependencies: ["BroadtapeClient", "JSON", "LoadKit", "Secrets", "Terminal", .nioCore],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "BroadtapeClient", "EventLog", "Hub", "JSON", "Pages", "Secrets", "Server", "SQLiteStore",
                "TestSupport", "WebSocket", .asyncHTTPClient, .crypto, .httpTypes, .hummingbird, .hummingbirdCore,
                .jwtKit, .logging, .nioCore, .nioEmbedded, .nioPosix, .nioSSL, .serviceLifecycle,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CommandSystemTests",
            dependencies: [
                "BroadtapeClient", "JSON", "TestSupport", "WebSocket", .asyncHTTPClient, .nioCore, .nioHTTP1, .nioPosix,
            ],
            path: "Tests/System/Command",
            swiftSettings: settings
        ),
        .testTarget(
            name: "ClusterSystemTests",
            dependencies: ["BroadtapeClient", "JSON", "TestSupport", .asyncHTTPClient, .nioCore, .nioPosix],
            path: "Tests/System/Cluster",
            swiftSettings: settings
        ),
    ]
)

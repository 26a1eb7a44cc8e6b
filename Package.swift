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

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]

let package = Package(
    name: "broadtape",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .executable(name: "broadtape", targets: ["broadtape"]),
        .executable(name: "broadtape-load", targets: ["broadtape-load"]),
        .executable(name: "broadtape-bench", targets: ["broadtape-bench"]),
        .library(name: "Client", targets: ["Client"]),
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
        .target(
            name: "Secrets",
            dependencies: [.product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings
        ),
        .target(
            name: "WebSocket",
            dependencies: [
                "CZlib",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Hub",
            dependencies: [
                "JSON",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),
        .target(
            name: "Tapes",
            dependencies: nio + [
                "CLibPQ",
                "Hub",
                "JSON",
                "SafeText",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "RedisBus",
            dependencies: nio + [
                "CHiredis",
                "Hub",
                "JSON",
                "SafeText",
                "Secrets",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
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
            name: "Server",
            dependencies: nio + [
                "BrowserClient",
                "Hub",
                "JSON",
                "Pages",
                "SafeText",
                "Secrets",
                "WebSocket",
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOExtras", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Client",
            dependencies: nio + [
                "JSON",
                "SafeText",
                "WebSocket",
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "BrowserClient",
            resources: [.embedInCode("broadtape.js"), .embedInCode("broadtape.d.ts")],
            swiftSettings: settings
        ),
        .target(
            name: "Ingest",
            dependencies: [
                "Hub",
                "JSON",
                "SafeText",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "ChainSource",
            dependencies: nio + [
                "Client",
                "Hub",
                "Ingest",
                "JSON",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "RateSource",
            dependencies: nio + [
                "Client",
                "Hub",
                "Ingest",
                "JSON",
                "SafeText",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Terminal",
            dependencies: ["JSON", "SafeText", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: settings
        ),
        .target(name: "Monitor", dependencies: ["JSON", "Terminal"], swiftSettings: settings),
        .executableTarget(
            name: "broadtape",
            dependencies: nio + [
                "RateSource",
                "ChainSource",
                "Client",
                "Hub",
                "Ingest",
                "JSON",
                "Monitor",
                "RedisBus",
                "SafeText",
                "Secrets",
                "Server",
                "Tapes",
                "Terminal",
                "WebSocket",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "LoadKit",
            dependencies: nio + [
                "Client",
                "JSON",
                "SafeText",
                "Secrets",
                "Terminal",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "LoadTests/Kit",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "broadtape-load",
            dependencies: nio + [
                "Client",
                "JSON",
                "LoadKit",
                "Secrets",
                "Terminal",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "LoadTests/Command",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "broadtape-bench",
            dependencies: [
                "Hub",
                "JSON",
                "RedisBus",
                "Secrets",
                "Tapes",
                "Terminal",
                "WebSocket",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "LoadTests/Bench",
            exclude: ["RESULTS.md", "postgres.py"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "broadtape-echo",
            dependencies: nio + ["WebSocket"],
            path: "Tests/EchoServer",
            swiftSettings: settings
        ),
        .target(
            name: "HubTestSupport",
            dependencies: [
                "Hub",
                "JSON",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/HubTestSupport",
            swiftSettings: settings
        ),
        .target(
            name: "ProgramSupport",
            dependencies: nio + [
                "Client",
                "HubTestSupport",
                "JSON",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Tests/ProgramSupport",
            swiftSettings: settings
        ),
        .target(name: "TestServers", dependencies: nio, path: "Tests/TestServers", swiftSettings: settings),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Hub",
                "HubTestSupport",
                "JSON",
                "RedisBus",
                "Server",
                "WebSocket",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
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
        .testTarget(
            name: "FuzzTests",
            dependencies: ["FuzzTargets", "HubTestSupport", "JSON"],
            path: "Tests/Fuzz/Tests",
            swiftSettings: settings
        ),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: settings),
        .testTarget(name: "SafeTextTests", dependencies: ["JSON", "SafeText"], swiftSettings: settings),
        .testTarget(
            name: "WebSocketTests",
            dependencies: ["WebSocket", .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HubTests",
            dependencies: nio + [
                "Hub",
                "HubTestSupport",
                "JSON",
                "Tapes",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "TapesTests",
            dependencies: nio + [
                "Hub",
                "HubTestSupport",
                "JSON",
                "Tapes",
                "TestServers",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RedisBusTests",
            dependencies: nio + [
                "Hub",
                "HubTestSupport",
                "RedisBus",
                "Secrets",
                "TestServers",
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ClientTests",
            dependencies: nio + [
                "Client",
                "HubTestSupport",
                "JSON",
                "WebSocket",
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ChainSourceTests",
            dependencies: nio + [
                "ChainSource",
                "Client",
                "Hub",
                "HubTestSupport",
                "Ingest",
                "JSON",
                "ProgramSupport",
                "Tapes",
                "TestServers",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Vectors"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "IngestTests",
            dependencies: [
                "Hub",
                "HubTestSupport",
                "Ingest",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "TerminalTests",
            dependencies: ["HubTestSupport", "Monitor", "Terminal"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DocumentTests",
            dependencies: ["HubTestSupport", "JSON", "ProgramSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "LoadKitTests",
            dependencies: [
                "Client", "JSON", "LoadKit", "Secrets", "Terminal", .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServerTests",
            dependencies: nio + [
                "Client",
                "Hub",
                "HubTestSupport",
                "JSON",
                "Pages",
                "Secrets",
                "Server",
                "Tapes",
                "WebSocket",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RateSourceTests",
            dependencies: nio + [
                "Client",
                "Hub",
                "HubTestSupport",
                "Ingest",
                "JSON",
                "ProgramSupport",
                "RateSource",
                "Tapes",
                "TestServers",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Vectors"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CommandTests",
            dependencies: nio + [
                "Client",
                "HubTestSupport",
                "JSON",
                "ProgramSupport",
                "WebSocket",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ClusterTests",
            dependencies: nio + [
                "Client",
                "HubTestSupport",
                "JSON",
                "ProgramSupport",
                "TestServers",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: settings
        ),
    ]
)

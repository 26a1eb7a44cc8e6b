// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import BroadtapeClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import TestSupport
import Testing

@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct ServeTests {
    @Test
    func anEmptyFolderIsAllItNeeds() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder, [])
            #expect(folder.exists("var/broadtape.db"))
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("var/jwt-secret"))
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            let secret = try String(contentsOfFile: folder.path("var/jwt-secret"), encoding: .utf8)
            #expect(secret.utf8.count >= 32)
            #expect(try await hub.get("/health/live").status == 200)
            #expect(try await hub.get("/health/ready").status == 200)
            // A token needs nothing but the folder either.
            let made = try await Program.run(["token", "--subject", "svc", "--scope", "publish:*"], in: folder)
            let token = try #require(made.lines.first)
            let published = try await hub.run(
                "publish",
                token: token,
                input: #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
            )
            #expect(published.status == 0, "\(published)")
            hub.program.terminate()
            #expect(try await hub.program.end().status == 0)
            // And it comes back with the same secret and the same events.
            let again = try await RunningHub.start(in: folder, [])
            #expect(try String(contentsOfFile: folder.path("var/jwt-secret"), encoding: .utf8) == secret)
            #expect(try await again.events(of: "rateChange:A", token: token).count == 1)
            try await again.program.kill()
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func aSignalEndsItSoonWhateverIsConnected(_ signal: Int32) async throws {
        try await withHub { hub in
            let subscriber = try Subscriber(
                to: try hub.address(),
                subscriptions: [Subscription("rateChange:A", from: .live)],
                token: nil
            )
            let idle = try await Self.connect(to: hub.port)
            let half = try await Self.connect(to: hub.port)
            try await half.writeAndFlush(
                ByteBuffer(string: "POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n[")
            )
            let served = try await Self.connect(to: hub.port)
            try await served.writeAndFlush(ByteBuffer(string: "GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n"))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                let connected = Watched(false)
                tasks.addTask {
                    try? await subscriber.run { updates in
                        for await update in updates {
                            if case .subscribed = update { connected.change { $0 = true } }
                        }
                    }
                }
                try await connected.wait(for: "the subscription") { $0 }
                let start = ContinuousClock.now
                kill(hub.program.identifier, signal)
                let record = try await hub.program.end(within: .seconds(12))
                #expect(record.status == 0, "\(record)")
                #expect(ContinuousClock.now - start < .seconds(8))
                tasks.cancelAll()
            }
            for channel in [idle, half, served] { try? await channel.close() }
        }
    }

    private static func connect(to port: Int) async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port)
            .get()
    }

    @Test
    func aStopWithoutConnectionsIsQuick() async throws {
        try await withHub { hub in
            let start = ContinuousClock.now
            hub.program.terminate()
            let record = try await hub.program.end()
            #expect(record.status == 0, "\(record)")
            #expect(ContinuousClock.now - start < .seconds(2))
        }
    }

    @Test
    func twoHubsCannotShareADatabase() async throws {
        try await withHub { hub in
            let second = try await Program.run(
                ["serve", "--port", "0", "--admin-port", "0", "--jwt-secret", RunningHub.secret],
                in: hub.folder
            )
            #expect(second.status != 0)
            #expect(second.errors.contains("broadtape.db"), "\(second)")
            #expect(second.errors.contains("another"), "\(second)")
            #expect(try await hub.get("/health/ready").status == 200)
        }
    }

    @Test(arguments: ["port", "admin-port"])
    func aPortInUseIsToldAndEndsIt(_ option: String) async throws {
        try await withHub { hub in
            try await withFolder { folder in
                let other = option == "port" ? "admin-port" : "port"
                let second = try await Program.run(
                    ["serve", "--\(option)", "\(hub.port)", "--\(other)", "0", "--jwt-secret", RunningHub.secret],
                    in: folder
                )
                #expect((second.status ?? 0) > 0, "\(second)")
                #expect(second.errors.contains("127.0.0.1:\(hub.port)"), "\(second)")
            }
        }
    }

    @Test(arguments: [
        (["--jwt-secret-file", "missing"], "missing"), (["--config", "missing.yaml"], "missing.yaml"),
        (["--database", "mysql:x"], "database"), (["--port", "70000"], "port"), (["--port", "x"], "port"),
        (["--host", "999.1.1.1", "--jwt-secret", RunningHub.secret], "999.1.1.1"),
        (["--log-level", "loud"], "log-level"),
        (["--database", "sqlite:/proc/none/tape.db", "--jwt-secret", RunningHub.secret], "/proc/none"),
    ])
    func whatCannotBeStartedIsToldInASentence(_ arguments: [String], _ word: String) async throws {
        try await withFolder { folder in
            let record = try await Program.run(["serve", "--port", "0", "--admin-port", "0"] + arguments, in: folder)
            #expect((record.status ?? 0) > 0, "\(record)")
            #expect(record.errors.contains(word), "\(record)")
            #expect(!record.errors.contains("Fatal"), "\(record)")
        }
    }
}

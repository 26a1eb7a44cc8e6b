// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import BroadtapeClient
import Foundation
import JSON
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// What operators do with a node.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct OperationsTests {
    @Test func doctorLooksAtWhatAHubWouldRunOn() async throws {
        try await withFolder { folder in
            let well = try await Program.run(["doctor", "--jwt-secret", RunningHub.secret], in: folder)
            #expect(well.status == 0, "\(well)")
            for subject in ["configuration", "file descriptors", "accept queue", "database"] {
                #expect(
                    well.lines.contains { $0.split(separator: "\t").dropFirst().first == Substring(subject) },
                    "\(subject)"
                )
            }
            #expect(well.lines.allSatisfy { $0.split(separator: "\t").count == 3 }, "\(well)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
    }

    @Test func doctorSaysWhatWillFail() async throws {
        try await withFolder { folder in
            let ill = try await Program.run(
                ["doctor", "--database", "postgres://nobody@127.0.0.1:1/none", "--redis", "redis://127.0.0.1:1"],
                in: folder
            )
            #expect(ill.status == 1, "\(ill)")
            for subject in ["database", "redis"] {
                #expect(ill.lines.contains { $0.hasPrefix("failure\t\(subject)\t") }, "\(subject): \(ill)")
            }
        }
    }

    @Test func doctorSeesASecretThatOthersCanRead() async throws {
        try await withFolder { folder in
            let path = folder.path("secret")
            try Data("a secret of thirty-two bytes, or of more than that".utf8).write(to: URL(fileURLWithPath: path))
            for (mode, grade) in [(0o644, "warning"), (0o600, "ok")] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
                let record = try await Program.run(["doctor", "--jwt-secret-file", path], in: folder)
                #expect(record.lines.contains { $0.hasPrefix("\(grade)\tjwt-secret-file\t") }, "\(record)")
            }
        }
    }

    @Test func doctorSeesACertificateThatEndsSoon() async throws {
        try await withFolder { folder in
            // Good for two days.
            try TLSTests.makeCertificate("hub", in: folder)
            let record = try await Program.run(
                ["doctor", "--jwt-secret", RunningHub.secret],
                environment: ["BROADTAPE_TLS_CERTIFICATE": "hub.pem", "BROADTAPE_TLS_KEY": "hub.key"],
                in: folder
            )
            #expect(record.status == 0, "\(record)")
            #expect(
                record.lines.contains { $0.hasPrefix("warning\ttls-certificate\thub.pem: valid until 20") },
                "\(record)"
            )
            #expect(record.lines.contains { $0.hasPrefix("ok\ttls-key\t") }, "\(record)")
        }
    }

    @Test func effectiveSettingsAreShownWithoutSecrets() async throws {
        try await withFolder { folder in
            let file = folder.path("broadtape.yaml")
            try "heartbeat: 7s\ndatabase: postgres://app:hidden@db/name\n".write(
                toFile: file,
                atomically: true,
                encoding: .utf8
            )
            let record = try await Program.run(
                ["check-config", "--effective", "--config", file, "--port", "9999", "--jwt-secret", RunningHub.secret],
                environment: ["BROADTAPE_SILENCE": "40s"],
                in: folder
            )
            #expect(record.status == 0, "\(record)")
            for line in [
                "port: 9999  # --port", "heartbeat: 7s  # \(file):1", "silence: 40s  # BROADTAPE_SILENCE",
                "host: 127.0.0.1  # default", "database: postgres://app:********@db/name  # \(file):2",
                "jwt-secret: ********  # --jwt-secret", "# redis: not set",
            ] {
                #expect(record.lines.contains(line), "\(line) in \(record)")
            }
            #expect(!record.output.contains("hidden") && !record.output.contains(RunningHub.secret))
        }
    }

    @Test func logsCanBeJSON() async throws {
        try await withFolder { folder in
            let program = try Program(
                ["serve", "--port", "0", "--admin-port", "0", "--jwt-secret", RunningHub.secret],
                environment: ["BROADTAPE_LOG_FORMAT": "json"],
                in: folder
            )
            try await program.record.wait(for: "a hub that listens") { $0.errors.contains(#""message":"listening""#) }
            program.terminate()
            let record = try await program.end()
            #expect(record.status == 0, "\(record)")
            for line in record.errors.split(separator: "\n") {
                let value = try JSON.Value.parse(Array(line.utf8))
                #expect(value["level"]?.string != nil && value["time"]?.string?.hasSuffix("Z") == true, "\(line)")
                if value["message"]?.string == "listening" {
                    #expect(value["context"]?["address"]?.string?.contains("127.0.0.1") == true, "\(line)")
                }
            }
        }
    }

    @Test func drainMakesANodeLeave() async throws {
        try await withHub { hub in
            let subscriber = try Subscriber(
                to: try hub.address(),
                subscriptions: [Subscription("rateChange:A", from: .live)],
                token: nil
            )
            let ends = Watched(0)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                let connected = Watched(false)
                tasks.addTask {
                    try? await subscriber.run { updates in
                        for await update in updates {
                            switch update {
                            case .subscribed: connected.change { $0 = true }
                            case .disconnected: ends.change { $0 += 1 }
                            default: break
                            }
                        }
                    }
                }
                try await connected.wait(for: "the subscription") { $0 }
                let admin = try #require(hub.adminURL)
                let refused = try await Program.run(["drain", "--over", "soon", "--admin-url", admin], in: hub.folder)
                #expect(refused.status != 0 && refused.errors.contains("--over"), "\(refused)")
                let drained = try await Program.run(["drain", "--over", "1s", "--admin-url", admin], in: hub.folder)
                #expect(drained.status == 0, "\(drained)")
                #expect(drained.lines.first?.hasPrefix("1 connections left") == true, "\(drained)")
                #expect(drained.lines.last == "the node has stopped", "\(drained)")
                #expect(try await hub.program.end().status == 0)
                try await ends.wait(for: "the goodbye") { $0 > 0 }
                tasks.cancelAll()
            }
            let gone = try await Program.run(["drain", "--admin-url", "http://127.0.0.1:1"], in: hub.folder)
            #expect(gone.status != 0 && gone.errors.contains("no node answers"), "\(gone)")
        }
    }

    /// What a service manager sends to have files read again is harmless where there are none.
    @Test func aHangUpEndsNothing() async throws {
        try await withHub { hub in
            kill(hub.program.identifier, SIGHUP)
            let answer = try await hub.get("/health/ready")
            #expect(answer.status == 200)
            hub.program.terminate()
            let record = try await hub.program.end()
            #expect(record.status == 0, "\(record)")
        }
    }

    /// A second signal cuts a long draining short.
    @Test func aSecondSignalHurries() async throws {
        try await withHub(environment: ["BROADTAPE_DRAIN_WINDOW": "1h"]) { hub in
            let subscribers = try (0..<3).map { _ in
                try Subscriber(
                    to: try hub.address(),
                    subscriptions: [Subscription("rateChange:A", from: .live)],
                    token: nil
                )
            }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                let connected = Watched(0)
                for subscriber in subscribers {
                    tasks.addTask {
                        try? await subscriber.run { updates in
                            for await update in updates {
                                if case .subscribed = update { connected.change { $0 += 1 } }
                            }
                        }
                    }
                }
                try await connected.wait(for: "the subscriptions") { $0 == 3 }
                hub.program.terminate()
                try await eventually("it drains") { try await hub.get("/health/ready").status == 503 }
                hub.program.terminate()
                #expect(try await hub.program.end(within: .seconds(15)).status == 0)
                tasks.cancelAll()
            }
        }
    }

    @Test func spansGoToTheCollector() async throws {
        let collector = try await Collector.start()
        let arguments = ["--jwt-secret", RunningHub.secret]
        try await withHub(arguments, environment: ["BROADTAPE_OTLP_ENDPOINT": collector.url]) { hub in
            var request = HTTPClientRequest(url: hub.url + "/events")
            request.method = .POST
            request.headers.add(name: "authorization", value: "Bearer \(try await hub.token("svc", "publish:*"))")
            request.headers.add(name: "content-type", value: "application/json")
            request.headers.add(
                name: "traceparent",
                value: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            )
            request.body = .bytes(ByteBuffer(string: #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#))
            #expect(try await HTTPClient.shared.execute(request, timeout: .seconds(10)).status == .ok)
            try await collector.received.wait(for: "two spans") { $0.spans.count >= 2 }
            let received = collector.received.value
            #expect(Set(received.targets) == ["/v1/traces"])
            let accept = try #require(received.spans.first { $0["name"]?.string == "accept" })
            #expect(accept["traceId"]?.string == "0af7651916cd43dd8448eb211c80319c")
            #expect(accept["parentSpanId"]?.string == "b7ad6b7169203331")
            let commit = try #require(received.spans.first { $0["name"]?.string == "commit" })
            #expect(commit["parentSpanId"]?.string == accept["spanId"]?.string)
            let events = try await hub.events(of: "rateChange:A", token: try await hub.token("u"))
            #expect(events.first?["traceparent"]?.string?.contains(accept["spanId"]?.string ?? "?") == true)
        }
        try await collector.channel.close()
    }
}

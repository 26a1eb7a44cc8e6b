// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import JSON
import NIOCore
import TestSupport
import Testing

/// Untrusted text from Redis cannot forge log lines or send terminal escape sequences.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct HarmlessTextTests {
    private static let channel =
        "rate.x\r\n2026-01-01T00:00:00Z critical broadtape: [Hub] forged\u{1B}[2J\u{9B}\u{202E}\u{2028}"
    private static let payload = "no event\n\u{1B}]0;x\u{7}\u{202E}"

    private static func isHarmless(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            let category = scalar.properties.generalCategory
            return scalar == "\n" || ![.control, .format, .lineSeparator, .paragraphSeparator].contains(category)
        }
    }

    @Test(arguments: ["text", "json"])
    func aChannelsNameStaysInItsLine(_ format: String) async throws {
        let redis = try await RedisServer.start()
        defer { redis.stop() }
        let arguments = ["--jwt-secret", RunningHub.secret, "--redis", "redis://127.0.0.1:\(redis.port)"]
        try await withFolder { folder in
            let hub = try await RunningHub.start(
                in: folder,
                arguments,
                environment: ["BROADTAPE_LOG_FORMAT": format]
            )
            do {
                try await self.look(at: hub, redis)
            } catch {
                try await hub.program.kill()
                throw error
            }
            try await hub.program.kill()
        }
    }

    private func look(at hub: RunningHub, _ redis: RedisServer) async throws {
        try await eventually("the message is set aside", within: .seconds(30)) {
            _ = try redis.publish(Self.payload, to: Self.channel)
            return try await hub.metric("broadtape_fanin_letters_total") ?? 0 >= 1
        }
        try await hub.program.record.wait(for: "the line") { $0.errors.contains("rate.x") }
        let log = hub.program.record.value.errors
        #expect(Self.isHarmless(log), "\(log.debugDescription)")
        #expect(log.split(separator: "\n").allSatisfy { !$0.hasPrefix("2026-01-01") }, "\(log)")
        let admin = try #require(hub.adminURL)
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: "\(admin)/dead-letters"),
            timeout: .seconds(5)
        )
        let body = String(buffer: try await response.body.collect(upTo: 1 << 20))
        #expect(Self.isHarmless(body), "\(body.debugDescription)")
        let letter = try #require(try JSON.Value.parse(Array(body.utf8))["letters"]?.elements.first { _ in true })
        #expect(letter["channel"]?.string == Self.channel)
        #expect(letter["payload"]?.string == Self.payload)
    }
}

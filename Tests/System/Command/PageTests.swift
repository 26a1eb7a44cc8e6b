// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import TestSupport
import Testing

/// Both pages in a real browser: Debian's Chromium, driven by the scripts in `Tests/System/Browser`. A console error, a
/// violation of the policy or an uncaught error fails them. `BROADTAPE_SHOTS` names a folder for pictures.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct PageTests {
    private static var environment: [String: String] {
        ProcessInfo.processInfo.environment["BROADTAPE_SHOTS"].map { ["BROADTAPE_SHOTS": $0] } ?? [:]
    }

    private static func ask(_ target: String, of hub: RunningHub) async throws -> String {
        try await eventually("the admin port") { hub.adminURL != nil }
        let request = HTTPClientRequest(url: (hub.adminURL ?? "") + target)
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        return String(buffer: try await answer.body.collect(upTo: 1 << 20))
    }

    @Test func warningsOfTheLogAreAmongTheRecentErrors() async throws {
        try await withHub(["--jwt-secret", RunningHub.secret, "--database", "memory:"]) { hub in
            let errors = try await Self.ask("/recent-errors", of: hub)
            #expect(
                errors.contains(#""kind":"warning","what":"the tape is in memory: events do not survive"#),
                "\(errors)"
            )
        }
    }

    /// The script ends the hub as `kill -9` does; this starts it again.
    @Test func theLivePageResumesAfterAKillWithEveryEventOnce() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            let arguments = [
                hub.url, try await hub.token("u_42"), try await hub.token("payments", "publish:*"),
                "\(hub.program.identifier)",
            ]
            async let script = Script.python(
                "Tests/System/Browser/live.py",
                arguments,
                environment: Self.environment,
                in: folder,
                within: .seconds(120)
            )
            try await hub.program.record.wait(for: "the script to end the hub", within: .seconds(90)) {
                $0.status != nil
            }
            let next = try await RunningHub.start(in: folder, port: hub.port)
            let record: Program.Record
            do {
                record = try await script
            } catch {
                try await next.program.kill()
                throw error
            }
            try await next.program.kill()
            #expect(record.status == 0, "\(record)")
        }
    }

    /// Ends with draining, which ends the hub.
    @Test func operatorsActAndItIsPutDown() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            try await eventually("the admin port") { hub.adminURL != nil }
            let arguments = [
                hub.url, try #require(hub.adminURL), try await hub.token("u_42"),
                try await hub.token("payments", "publish:*"),
            ]
            let record: Program.Record
            do {
                record = try await Script.python(
                    "Tests/System/Browser/operators.py",
                    arguments,
                    environment: Self.environment,
                    in: folder,
                    within: .seconds(120)
                )
            } catch {
                try await hub.program.kill()
                throw error
            }
            if record.status != 0 { try await hub.program.kill() }
            #expect(record.status == 0, "\(record)")
            #expect(try await hub.program.end().status == 0)
            let next = try await RunningHub.start(in: folder)
            let trail = try await Self.ask("/audit?action=drain", of: next)
            try await next.program.kill()
            #expect(trail.contains(#""actor":"anna""#), "\(trail)")
        }
    }

    @Test(arguments: [true, false])
    func thePageCanBeSwitchedOff(_ isOn: Bool) async throws {
        try await withHub(environment: ["BROADTAPE_PAGE": "\(isOn)"]) { hub in
            for path in ["/", "/page.js"] {
                let status = try await hub.get(path).status
                #expect(status == (isOn ? 200 : 404))
            }
            let status = try await hub.get("/channels").status
            #expect(status == 200)
        }
    }
}

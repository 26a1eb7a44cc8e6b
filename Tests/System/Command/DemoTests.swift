// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// `serve --demo`: what it plays adds up for ever, and what it prints can be pasted.
@Suite(.system, .serialized, .timeLimit(.minutes(3)))
struct DemoTests {
    // MARK: Balances

    /// What a balance is after each event of a trace or a log, by user.
    private struct Books {
        private(set) var balances: [String: Decimal] = [:]
        private(set) var transactions = 0
        private var open: [String: Decimal] = [:]

        /// - Returns: What does not add up.
        mutating func read(_ event: JSON.Value, type: String, keys: [String]) throws -> String? {
            let data = try #require(event["data"])
            func decimal(_ name: String) throws -> Decimal {
                try #require(data[name]?.string.flatMap { Decimal(string: $0, locale: Locale(identifier: "en_US")) })
            }
            if type == "transactionUpdate" {
                self.transactions += 1
                let amount = try decimal("amount")
                for key in keys {
                    let isGain = data["type"]?.string == "deposit" || data["recipientId"]?.string == key
                    self.open[key, default: 0] += isGain ? amount : -amount
                }
            } else if type == "balanceUpdate" {
                let user = try #require(data["userId"]?.string)
                let balance = try decimal("balance")
                let known = self.balances.updateValue(balance, forKey: user)
                let change = self.open.removeValue(forKey: user) ?? 0
                if let known, known + change != balance { return "\(user): \(known) + \(change) is not \(balance)" }
            }
            return nil
        }
    }

    /// The trace of the repository adds up, also from its end to its beginning.
    @Test func theTraceIsARound() throws {
        let path = Script.root.appendingPathComponent("config/demo.ndjson")
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
        var books = Books()
        for _ in 1...2 {
            for line in lines {
                let event = try JSON.Value.parse(Array(line.utf8))
                let keys = event["keys"]?.elements.compactMap(\.string) ?? event["key"]?.string.map { [$0] } ?? []
                let fault = try books.read(event, type: try #require(event["type"]?.string), keys: keys)
                #expect(fault == nil, "\(fault ?? ""): \(line)")
            }
        }
        #expect(books.transactions > 40 && books.balances.count == 2)
    }

    /// Five lines in 300 ms: the balances of two users, and what moves between them.
    private static let short = """
        {"type":"balanceUpdate","time":"2026-11-20T16:00:00Z","data":{"userId":"u_1","balance":"10.00"}}
        {"type":"balanceUpdate","time":"2026-11-20T16:00:00Z","data":{"userId":"u_2","balance":"5.00"}}
        {"type":"transactionUpdate","keys":["u_1","u_2"],"time":"2026-11-20T16:00:00.1Z","data":{"type":"p2p","amount":"2.50","status":"completed","recipientId":"u_2"}}
        {"type":"balanceUpdate","time":"2026-11-20T16:00:00.1Z","data":{"userId":"u_1","balance":"7.50"}}
        {"type":"balanceUpdate","time":"2026-11-20T16:00:00.1Z","data":{"userId":"u_2","balance":"7.50"}}
        {"type":"transactionUpdate","key":"u_1","time":"2026-11-20T16:00:00.2Z","data":{"type":"deposit","amount":"1.25","status":"completed"}}
        {"type":"balanceUpdate","time":"2026-11-20T16:00:00.2Z","data":{"userId":"u_1","balance":"8.75"}}
        {"type":"transactionUpdate","keys":["u_2","u_1"],"time":"2026-11-20T16:00:00.3Z","data":{"type":"p2p","amount":"2.50","status":"completed","recipientId":"u_1"}}
        {"type":"balanceUpdate","time":"2026-11-20T16:00:00.3Z","data":{"userId":"u_1","balance":"11.25"}}
        {"type":"balanceUpdate","time":"2026-11-20T16:00:00.3Z","data":{"userId":"u_2","balance":"5.00"}}
        {"type":"transactionUpdate","key":"u_1","time":"2026-11-20T16:00:00.3Z","data":{"type":"withdrawal","amount":"1.25","status":"completed"}}
        {"type":"balanceUpdate","time":"2026-11-20T16:00:00.3Z","data":{"userId":"u_1","balance":"10.00"}}

        """

    /// What is on a user's two channels, in the order of the log.
    private static func check(_ user: String, of hub: RunningHub) async throws -> Int {
        let token = try await hub.token(user)
        let balances = try await hub.events(of: "balanceUpdate:\(user)", token: token)
        let transactions = try await hub.events(of: "transactionUpdate:\(user)", token: token)
        func line(_ event: JSON.Value) -> Int {
            let parts = event["id"]?.string?.split(separator: "-") ?? []
            return (Int(parts[1]) ?? 0) * 100 + (Int(parts[2]) ?? 0)
        }
        let all = balances.map { ($0, "balanceUpdate") } + transactions.map { ($0, "transactionUpdate") }
        var books = Books()
        for (event, type) in all.sorted(by: { line($0.0) < line($1.0) }) {
            let fault = try books.read(event, type: type, keys: [user])
            #expect(fault == nil, "\(fault ?? "")")
        }
        return books.transactions
    }

    @Test func balancesAddUpOverRoundsAndKills() async throws {
        try await withFolder { folder in
            _ = try folder.write(Self.short, to: "trace.ndjson")
            let arguments = ["--jwt-secret", RunningHub.secret, "--demo", "trace.ndjson"]
            var reached = 0
            for run in 1...4 {
                let hub = try await RunningHub.start(in: folder, arguments)
                do {
                    try await hub.waitUntil(accepted: 25 + run)
                    let count = try await Self.check("u_1", of: hub)
                    #expect(count > reached, "run \(run) does not continue")
                    reached = count
                    _ = try await Self.check("u_2", of: hub)
                } catch {
                    try await hub.program.kill()
                    throw error
                }
                try await hub.program.kill()
            }
        }
    }

    // MARK: What is printed

    /// How it is started, and with which options.
    struct Start: Sendable, CustomTestStringConvertible {
        var program = "broadtape"
        var options = ""
        var usesTLS = false
        var testDescription: String { "\(self.program) \(self.options)\(self.usesTLS ? " TLS" : "")" }
    }

    private static let starts = [
        Start(), Start(program: "\"$PROGRAMS\"/broadtape"), Start(program: "'./the hub/it'"),
        Start(options: "--host 0.0.0.0"), Start(options: "--host localhost"), Start(options: "--host 127.0.0.2"),
        Start(options: "--host ::1"), Start(options: "--host ::"), Start(usesTLS: true),
        Start(options: "--host 0.0.0.0", usesTLS: true),
    ]

    private static func shell(
        _ script: String,
        path: String,
        environment: [String: String] = [:],
        in folder: TestFolder
    ) throws -> Program {
        let environment = environment.merging([
            "PATH": "\(path):/usr/bin:/bin", "PROGRAMS": Program.folder.path,
        ]) { $1 }
        return try Program(at: URL(fileURLWithPath: "/bin/bash"), ["-c", script], environment: environment, in: folder)
    }

    @Test(arguments: Self.starts)
    func whatIsPrintedCanBePasted(_ start: Start) async throws {
        try await withFolder { folder in
            try TLSTests.makeCertificate("hub", in: folder)
            try Shell.run("mkdir 'the hub' && ln -s '\(Program.folder.path)/broadtape' 'the hub/it'", in: folder)
            let trace = Script.root.appendingPathComponent("config/demo.ndjson").path
            let options = "--port 0 --admin-port 0 --database memory: --demo '\(trace)' \(start.options)"
            let tls = ["BROADTAPE_TLS_CERTIFICATE": "hub.pem", "BROADTAPE_TLS_KEY": "hub.key"]
            let hub = try Self.shell(
                "exec \(start.program) serve \(options)",
                path: Program.folder.path,
                environment: start.usesTLS ? tls : [:],
                in: folder
            )
            defer { hub.signal(SIGKILL) }
            try await hub.record.wait(for: "instructions") { $0.isOver || $0.output.contains("Ctrl-C") }
            let lines = hub.record.value.lines.filter { $0.hasPrefix("  ") }.map { $0.drop { $0 == " " } }
            let exports = lines.filter { $0.hasPrefix("export ") }.joined(separator: "\n")
            let commands = lines.filter { !$0.hasPrefix("export ") }
            try #require(commands.count == 3, "\(hub.record.value)")
            // In another terminal, which is somewhere else.
            try await withFolder { elsewhere in
                for command in commands {
                    let isTail = command.contains(" tail ")
                    let program = try Self.shell(
                        "\(exports)\n\(command)\(isTail ? " --since 0 --count 1" : "")",
                        path: Program.folder.path,
                        in: elsewhere
                    )
                    defer { program.signal(SIGKILL) }
                    let record = try await program.end()
                    #expect(record.status == 0 && !record.output.isEmpty, "\(command): \(record)")
                    #expect(isTail || record.output.contains("1 accepted"), "\(command): \(record)")
                }
            }
            try await hub.kill()
        }
    }
}

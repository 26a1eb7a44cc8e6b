// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Synchronization

/// A Redis server of a test's own: nothing is kept, everything is in a temporary folder, and it dies with the tests.
///
///     try await RedisServer.with { server in
///         … server.url …
///     }
package final class RedisServer: Sendable {
    /// How a server is set up.
    package struct Setup: Sendable {
        /// Of the default user; nil lets everyone in.
        package var password: String?
        /// Lines for the ACL file: `user u on >secret &* +@all`. Not together with ``password``.
        package var users: [String] = []
        /// Opens a second port with TLS and a certificate for `127.0.0.1` and `localhost`.
        package var hasTLS = false
        /// More of the command line: `["--client-output-buffer-limit", "pubsub 1mb 1mb 1"]`.
        package var arguments: [String] = []

        package init() {}
    }

    package let setup: Setup
    package let folder: URL
    /// The same after a restart.
    package let port: Int
    package let tlsPort: Int
    private let running = Mutex<Program?>(nil)

    private init(setup: Setup, folder: URL, port: Int, tlsPort: Int) {
        self.setup = setup
        self.folder = folder
        self.port = port
        self.tlsPort = tlsPort
    }

    // MARK: - Life

    /// Runs work with a server, and stops it whatever comes of the work.
    package static func with<Result: Sendable>(
        _ setup: Setup = Setup(),
        _ work: (RedisServer) async throws -> Result
    ) async throws -> Result {
        let server = try await Self.start(setup)
        do {
            let result = try await work(server)
            server.stop()
            return result
        } catch {
            server.stop()
            throw error
        }
    }

    /// Starts a server and returns when it takes connections. End it with ``stop()``.
    package static func start(_ setup: Setup = Setup()) async throws -> RedisServer {
        let folder = URL(fileURLWithPath: "/tmp/redis-\(UUID().uuidString.prefix(13))", isDirectory: true)
        try FileManager.default.createDirectory(
            at: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        var failure: any Error = SetupFailure(description: "there is no free port")
        for _ in 0..<10 {
            guard let (port, tlsPort) = RedisFreePorts.pair() else { continue }
            let server = RedisServer(setup: setup, folder: folder, port: port, tlsPort: tlsPort)
            do {
                if setup.hasTLS { try await server.makeCertificate() }
                try await server.launch()
                return server
            } catch {
                // Another process may have taken the port in the meantime.
                server.kill()
                failure = error
            }
        }
        try? FileManager.default.removeItem(at: folder)
        throw failure
    }

    private func launch() async throws {
        var arguments = [
            "--port", "\(self.port)", "--bind", "127.0.0.1", "--unixsocket", self.socketPath,
            "--dir", self.folder.path, "--save", "", "--appendonly", "no", "--daemonize", "no",
            "--loglevel", "notice", "--logfile", "",
        ]
        if let password = self.setup.password { arguments += ["--requirepass", password] }
        if !self.setup.users.isEmpty {
            let file = self.folder.appendingPathComponent("users.acl")
            // Without a line of its own the default user may do everything; the tests' own commands use it.
            try (self.setup.users.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
            arguments += ["--aclfile", file.path]
        }
        if self.setup.hasTLS {
            arguments += [
                "--tls-port", "\(self.tlsPort)", "--tls-auth-clients", "no",
                "--tls-cert-file", self.certificate, "--tls-key-file", self.folder.path + "/key.pem",
                "--tls-ca-cert-file", self.certificate,
            ]
        }
        let program = try Program(["redis-server"] + arguments + self.setup.arguments, endsWithTests: true)
        self.running.withLock { $0 = program }
        try await program.record.wait(for: "Redis to start") { record in
            record.status != nil || record.output.contains("Ready to accept connections")
        }
        guard program.record.value.status == nil else {
            throw SetupFailure(description: "Redis did not start: \(program.record.value)")
        }
    }

    /// Ends it at once, as a crash would, and returns when it is gone. Blocks the thread.
    package func kill() {
        guard let program = self.running.withLock({ $0.take() }) else { return }
        program.signal(SIGKILL)
        _ = program.waitUntilEnd()
    }

    /// Starts it again on the same port after ``kill()``; what it knew is gone.
    package func restart() async throws {
        self.kill()
        try await self.launch()
    }

    /// Stops it from doing anything, without closing a connection.
    package func pause() {
        self.running.withLock { $0?.signal(SIGSTOP) }
    }

    /// Continues it after ``pause()``.
    package func resume() {
        self.running.withLock { $0?.signal(SIGCONT) }
    }

    /// Ends it and removes its folder.
    package func stop() {
        self.kill()
        try? FileManager.default.removeItem(at: self.folder)
    }

    // MARK: - Places

    /// Where clients find it, with the default user's password if there is one.
    package var url: String {
        "redis://\(self.setup.password.map { ":\($0)@" } ?? "")127.0.0.1:\(self.port)"
    }

    /// The same for a user of ``Setup/users``.
    package func url(user: String, password: String) -> String {
        "redis://\(user):\(password)@127.0.0.1:\(self.port)"
    }

    /// Where clients find it with TLS; trusts no more than its certificate.
    package var tlsURL: String {
        "rediss://127.0.0.1:\(self.tlsPort)/?ca=\(self.certificate)"
    }

    package var socketPath: String {
        self.folder.path + "/redis.sock"
    }

    /// The PEM file of its certificate, which signs itself.
    package var certificate: String {
        self.folder.path + "/certificate.pem"
    }

    private func makeCertificate() async throws {
        let command = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", self.folder.path + "/key.pem", "-out", self.certificate,
        ]
        let record = try await Program(command).endOrKill(within: .seconds(30))
        guard record.status == 0 else {
            throw SetupFailure(description: "openssl could not make a certificate: \(record)")
        }
    }

    // MARK: - Commands

    /// Sends one command and returns its answer as text: of an array, one element a line.
    @discardableResult
    package func command(_ words: String...) throws -> String {
        try self.commands([words])[0]
    }

    /// Sends commands at once over one connection of their own, and returns the answers.
    ///
    /// Blocks the thread, at most ten seconds; an error of Redis is thrown.
    package func commands(_ commands: [[String]]) throws -> [String] {
        let connection = try RedisTestConnection(path: self.socketPath)
        if let password = self.setup.password { _ = try connection.send([["AUTH", password]]) }
        return try connection.send(commands)
    }

    /// Publishes and returns how many subscriptions got it.
    @discardableResult
    package func publish(_ message: String, to channel: String) throws -> Int {
        Int(try self.command("PUBLISH", channel, message)) ?? 0
    }

    /// Closes the connections of clients, all of them or those of one name.
    /// - Returns: How many there were.
    @discardableResult
    package func disconnectClients(named name: String? = nil) throws -> Int {
        var count = 0
        for client in try self.command("CLIENT", "LIST").split(separator: "\n") {
            let fields = client.split(separator: " ").map { $0.split(separator: "=", maxSplits: 1) }
            let values = Dictionary(fields.map { ($0[0], $0.count > 1 ? $0[1] : "") }) { first, _ in first }
            guard let id = values["id"], values["cmd"] != "client|list" else { continue }
            if let name, values["name"] ?? "" != name { continue }
            try self.command("CLIENT", "KILL", "ID", String(id))
            count += 1
        }
        return count
    }
}

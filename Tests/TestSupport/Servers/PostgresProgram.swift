// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// The processes of one Postgres server and its folder. Everything blocks.
final class PostgresProgram: Sendable {
    let port: Int
    private let folder: String
    /// The shell above the server, when it runs.
    private let running = Mutex<Program?>(nil)

    /// Makes a cluster without starting it.
    init() throws(SetupFailure) {
        let root = FileManager.default.temporaryDirectory.path
        self.folder = root + "/postgres-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        self.port = try Self.freePort()
        try Self.run(["mkdir", "-m", "700", self.folder])
        // The server refuses to run as root.
        if getuid() == 0 { try Self.run(["chown", "postgres", self.folder]) }
        try Self.run(
            Self.asUser + [
                try Self.tool("initdb"), "--pgdata=\(self.folder)/data", "--username=postgres", "--auth=trust",
                "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
            ]
        )
    }

    // MARK: Starting and stopping

    /// Runs the server under a shell that waits on its input, which is closed when this process is gone: it then ends
    /// the server and removes the folder.
    private static let watch = """
        exec 3<&0; folder=$1; shift
        "$@" </dev/null >>"$folder/log" 2>&1 3<&- &
        server=$!
        ( read line <&3; : >"$folder/ended"; kill -QUIT $server; sleep 3; kill -KILL $server ) >/dev/null 2>&1 &
        watcher=$!
        wait $server
        kill -KILL $watcher 2>/dev/null
        if [ -e "$folder/ended" ]; then rm -rf "$folder"; fi
        """

    func start() throws(SetupFailure) {
        let settings = [
            "listen_addresses=127.0.0.1", "port=\(self.port)", "unix_socket_directories=", "fsync=off",
            "full_page_writes=off", "max_connections=300", "shared_buffers=32MB", "max_wal_size=256MB",
            "deadlock_timeout=100ms", "log_min_messages=warning",
        ]
        let command =
            ["/bin/sh", "-c", Self.watch, "watch", self.folder] + Self.asUser
            + [try Self.tool("postgres"), "-D", "\(self.folder)/data"] + settings.flatMap { ["-c", $0] }
        let shell = try Program(command, in: "/", input: nil)
        self.running.withLock { $0 = shell }
        for _ in 0..<1000 where shell.record.value.status == nil {
            if (try? Self.query("SELECT 1", at: "postgres://postgres@127.0.0.1:\(self.port)/postgres")) != nil {
                return
            }
            usleep(20_000)
        }
        let log = (try? String(contentsOfFile: self.folder + "/log", encoding: .utf8)) ?? ""
        throw SetupFailure(description: "Postgres did not start: \(log.suffix(2000))")
    }

    func kill() {
        guard let shell = self.running.withLock({ $0.take() }) else { return }
        self.signal(SIGKILL, below: shell.identifier)
        _ = shell.waitUntilEnd()
        // Its process may be seen for a while after its death, and the next server would think that it lives.
        _ = unsafe unlink(self.folder + "/data/postmaster.pid")
    }

    func stop() {
        guard let shell = self.running.withLock({ $0.take() }) else { return }
        let text = (try? String(contentsOfFile: self.folder + "/data/postmaster.pid", encoding: .utf8)) ?? ""
        // Immediate shutdown.
        if let server = text.split(whereSeparator: \.isNewline).first.flatMap({ Int32($0) }) {
            Foundation.kill(server, SIGQUIT)
        }
        _ = shell.waitUntilEnd()
    }

    func signal(_ signal: Int32) {
        if let shell = self.running.withLock({ $0?.identifier }) { self.signal(signal, below: shell) }
    }

    func remove() {
        self.kill()
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    /// Signals a process and all its descendants.
    private func signal(_ signal: Int32, below root: Int32) {
        var children: [Int32: [Int32]] = [:]
        let table = (try? Self.run(["ps", "-A", "-o", "pid=,ppid="])) ?? ""
        for line in table.split(whereSeparator: \.isNewline) {
            let ids = line.split(separator: " ").compactMap { Int32($0) }
            if ids.count == 2 { children[ids[1], default: []].append(ids[0]) }
        }
        var all = [root]
        var index = 0
        while index < all.count {
            all += children[all[index]] ?? []
            index += 1
        }
        for id in all { Foundation.kill(id, signal) }
    }

    // MARK: Programs

    private static var asUser: [String] {
        getuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
    }

    /// Newest first; Debian keeps each version in a folder of its own.
    private static let folders: [String] = {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        return versions.sorted(by: >).map { "\(root)/\($0)/bin" }
            + ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"]
    }()

    private static func tool(_ name: String) throws(SetupFailure) -> String {
        for folder in self.folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
            return "\(folder)/\(name)"
        }
        throw SetupFailure(description: "Postgres' \(name) is not installed: `make test-tools`")
    }

    static func query(_ sql: String, at url: String) throws(SetupFailure) -> String {
        try self.run([try self.tool("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
    }

    /// Runs a program to its end.
    /// - Returns: What it printed.
    @discardableResult
    private static func run(_ arguments: [String]) throws(SetupFailure) -> String {
        let record = try Program(arguments, in: "/").waitUntilEnd()
        guard record.status == 0 else {
            throw SetupFailure(description: "\(arguments.joined(separator: " ")): \(record)")
        }
        return record.output.hasSuffix("\n") ? String(record.output.dropLast()) : record.output
    }

    /// A port that nobody had a moment ago.
    private static func freePort() throws(SetupFailure) -> Int {
        #if canImport(Darwin)
        let stream = SOCK_STREAM
        #else
        let stream = Int32(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_INET, stream, 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw SetupFailure(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

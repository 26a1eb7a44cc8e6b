// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// Faults of the database file under a running hub: no request gets a 200 for events that would be missing after a
/// restart, and operators are notified.
@Suite(.system, .serialized, .timeLimit(.minutes(5)))
struct DatabaseFileTests {
    private static let database = "var/broadtape.db"

    // MARK: Lost files

    @Test func deletedFileIsNoticedAndWhatItHeldIsSaved() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            #expect(try await hub.publish("1", token: token) == 200)
            try Shell.run("rm \(Self.database)*", in: folder)
            // Whether the second comes first or this.
            #expect(try await hub.publish("2", token: token) == 503)
            try await hub.waitUntilUnready("database_damaged")
            let ready = try await hub.adminReadiness()
            #expect(ready["detail"]?.string?.contains("was deleted") == true)
            #expect(try await hub.metric(#"broadtape_database_state{state="damaged"}"#) == 1)
            #expect(try await hub.metric("broadtape_paused") == 1)
            try await hub.program.record.wait(for: "the log") { $0.errors.contains("saved to") }
            let log = hub.program.record.value.errors
            #expect(log.contains("paused: events cannot be committed") && log.contains("\(Self.database) was deleted"))
            // It does not become well by itself.
            #expect(try await hub.publish("3", token: token) == 503)
            #expect(try await hub.get("/health/ready").status == 503)
            hub.program.terminate()
            #expect(try await hub.program.end().status == 0)

            let refused = try await Program.run(
                ["serve", "--port", "0", "--jwt-secret", RunningHub.secret],
                in: folder
            )
            #expect(refused.status == 1 && refused.errors.contains("\(Self.database).saved-"), "\(refused)")
            try Shell.run("mv \(Self.database).saved-* \(Self.database)", in: folder)
            let next = try await RunningHub.start(in: folder)
            #expect(try await next.ids(token) == ["1"])
            try await next.program.kill()
        }
    }

    @Test func backupInPlaceOfTheFileIsNotMixedWithIt() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            #expect(try await hub.publish("1", token: token) == 200)
            try Shell.run("sqlite3 \(Self.database) '.backup backup'", in: folder)
            for id in 2...200 { #expect(try await hub.publish("\(id)", token: token) == 200) }
            try Shell.run("mv backup \(Self.database)", in: folder)
            try await hub.waitUntilUnready("database_damaged")
            try await hub.program.record.wait(for: "the log") { $0.errors.contains("saved to") }
            try await hub.program.kill()
            let next = try await RunningHub.start(in: folder)
            #expect(next.program.record.value.errors.contains("a new epoch begins"))
            #expect(try await next.ids(token) == ["1"])
            #expect(try await next.publish("new", token: token) == 200)
            try await next.program.kill()
            let verified = try await Program.run(["verify", "--jwt-secret", RunningHub.secret], in: folder)
            #expect(verified.status == 0, "\(verified)")
        }
    }

    /// Killed, with commits in the log that its file lacks.
    @Test func backupInPlaceOfAKilledHubsFileIsNotMixedWithIt() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            #expect(try await hub.publish("1", token: token) == 200)
            try Shell.run("sqlite3 \(Self.database) '.backup backup'", in: folder)
            #expect(try await hub.publish("2", token: token) == 200)
            try await hub.program.kill()
            try Shell.run("cp \(Self.database) former && mv backup \(Self.database)", in: folder)
            let refused = try await Program.run(
                ["serve", "--port", "0", "--jwt-secret", RunningHub.secret],
                in: folder
            )
            #expect(refused.status == 1 && refused.errors.contains("-wal belongs to"), "\(refused)")
            try Shell.run("rm \(Self.database)-wal \(Self.database)-shm", in: folder)
            let next = try await RunningHub.start(in: folder)
            #expect(try await next.ids(token) == ["1"])
            try await next.program.kill()
        }
    }

    @Test func renamedFolderIsWaitedFor() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            #expect(try await hub.publish("1", token: token) == 200)
            try Shell.run("mv var away", in: folder)
            #expect(try await hub.publish("2", token: token) == 503)
            try await hub.waitUntilUnready("database_unavailable")
            try Shell.run("mv away var", in: folder)
            try await eventually("it is ready") { try await hub.get("/health/ready").status == 200 }
            #expect(try await hub.publish("2", token: token) == 200)
            #expect(hub.program.record.value.errors.contains("events can be committed again"))
            try await hub.program.kill()
            let next = try await RunningHub.start(in: folder)
            #expect(try await next.ids(token) == ["1", "2"])
            try await next.program.kill()
        }
    }

    @Test(arguments: [
        "rm var/broadtape.db-wal", "rm var/broadtape.db-shm", "rm -r var", "cat backup > var/broadtape.db",
    ])
    func whateverIsLostIsNoticedWithoutAPublisher(_ command: String) async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            #expect(try await hub.publish("1", token: token) == 200)
            try Shell.run("sqlite3 \(Self.database) '.backup backup'", in: folder)
            #expect(try await hub.publish("2", token: token) == 200)
            try Shell.run(command, in: folder)
            try await hub.waitUntilUnready("database_damaged")
            #expect(try await hub.publish("3", token: token) == 503)
            hub.program.terminate()
            #expect(try await hub.program.end().status == 0)
            if command.hasPrefix("cat") {
                try Shell.run("rm -f \(Self.database)-wal \(Self.database)-shm", in: folder)
            } else if command.hasPrefix("rm -r") {
                try Shell.run("mv \(Self.database).saved-* \(Self.database)", in: folder)
            }
            let next = try await RunningHub.start(in: folder)
            #expect(try await next.ids(token) == (command.hasPrefix("cat") ? ["1"] : ["1", "2"]))
            try await next.program.kill()
        }
    }

    // MARK: Second hubs

    @Test func secondHubIsRefusedUnderEveryName() async throws {
        try await withHub { hub in
            let folder = hub.folder
            try Shell.run("rm \(Self.database).lock; ln -s ../\(Self.database) var/link", in: folder)
            for name in [Self.database, "var/link", "var/../var//broadtape.db", folder.path(Self.database)] {
                try await self.expectRefused(name, "in use by another hub", in: folder)
            }
            try Shell.run("ln \(Self.database) var/other", in: folder)
            try await self.expectRefused("var/other", "hard links", in: folder)
            try await hub.program.record.wait(for: "a warning") { $0.errors.contains("names (hard links)") }
            #expect(try await hub.publish("1", token: try await hub.token("svc", "publish:*")) == 200)
            try Shell.run("rm var/other", in: folder)
            guard geteuid() == 0 else { return }
            try Shell.run("mkdir bound && touch file", in: folder)
            // In a name space of its own, so that nothing stays mounted.
            let mounted = try await Program(
                at: URL(fileURLWithPath: "/usr/bin/unshare"),
                [
                    "-m", "sh", "-c",
                    """
                    mount --bind var bound && mount --bind \(Self.database) file
                    for name in bound/broadtape.db file; do
                        "$0" serve --port 0 --jwt-secret "$1" --database sqlite:$name; echo "status $?"
                    done
                    """, Program.folder.appendingPathComponent("broadtape").path, RunningHub.secret,
                ],
                in: folder
            ).end()
            #expect(mounted.lines == ["status 1", "status 1"], "\(mounted)")
            #expect(mounted.errors.contains("in use by another hub"))
            #expect(mounted.errors.contains("is mounted as a single file"))
        }
    }

    private func expectRefused(_ path: String, _ words: String, in folder: TestFolder) async throws {
        let record = try await Program.run(
            ["serve", "--port", "0", "--jwt-secret", RunningHub.secret, "--database", "sqlite:" + path],
            in: folder
        )
        #expect(record.status == 1 && record.errors.contains(words), "\(path): \(record)")
    }

    // MARK: Damage

    @Test func damagedFileIsNamed() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            for id in 1...100 { #expect(try await hub.publish("\(id)", size: 3000, token: token) == 200) }
            hub.program.terminate()
            #expect(try await hub.program.end().status == 0)
            let good = try await Program.run(["doctor", "--jwt-secret", RunningHub.secret], in: folder)
            #expect(good.lines.contains("ok\tdatabase\tis not damaged"), "\(good)")
            try Shell.run("dd if=/dev/urandom of=\(Self.database) bs=4096 seek=60 count=3 conv=notrunc", in: folder)
            let refused = try await Program.run(
                ["serve", "--port", "0", "--jwt-secret", RunningHub.secret],
                in: folder
            )
            #expect(refused.status == 1 && refused.errors.contains("broadtape.db is damaged: table "), "\(refused)")
            for command in [["migrate", "up"], ["doctor"], ["verify"]] {
                let record = try await Program.run(command + ["--jwt-secret", RunningHub.secret], in: folder)
                #expect(record.status == 1, "\(command): \(record)")
                #expect((record.output + record.errors).contains("table "), "\(command): \(record)")
            }
        }
    }

    /// A check that could not be made does not end like one that found something.
    @Test func whatCannotBeCheckedIsNotCalledDamaged() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            let inUse = try await Program.run(["verify"], in: folder)
            #expect(inUse.status == 2 && inUse.errors.contains("in use"), "\(inUse)")
            hub.program.terminate()
            #expect(try await hub.program.end().status == 0)
            for command in [["verify"], ["migrate", "status"]] {
                #expect(try await Program.run(command, in: folder).status == 0)
                for wrong in [["--database", "postgres://127.0.0.1:1/none"], ["--database", "mysql:"]] {
                    let record = try await Program.run(command + wrong, in: folder)
                    #expect(record.status == 2, "\(command) \(wrong): \(record)")
                }
            }
            _ = try folder.write(String(repeating: "no database ", count: 1000), to: "other.db")
            let damaged = try await Program.run(["verify", "--database", "sqlite:other.db"], in: folder)
            #expect(damaged.status == 1, "\(damaged)")
        }
    }

    // MARK: Disks

    /// A disk of 2 MB.
    @Test(.enabled(if: geteuid() == 0, "mounting takes root"))
    func fullDiskPassesByItself() async throws {
        try await withFolder { folder in
            try Shell.run("mkdir var && mount -t tmpfs -o size=2m tmpfs var", in: folder)
            defer { try? Shell.run("umount -l var", in: folder) }
            let hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            try Shell.run("dd if=/dev/zero of=var/filler bs=1024 count=1200", in: folder)
            let answered = try await self.fill(hub, token)
            try await hub.waitUntilUnready("database_unavailable")
            #expect(try await hub.adminReadiness()["detail"]?.string?.contains("free some space") == true)
            #expect(hub.program.record.value.errors.contains("is full"))
            // Longer than a failed commit is remembered.
            try await self.expectUnready(hub, probes: 8)
            try Shell.run("rm var/filler", in: folder)
            try await eventually("it is ready", within: .seconds(30)) {
                try await hub.get("/health/ready").status == 200
            }
            #expect(try await hub.publish("after", size: 3000, token: token) == 200)
            try await hub.program.kill()
            let next = try await RunningHub.start(in: folder)
            #expect(try await next.ids(token) == answered + ["after"])
            try await next.program.kill()
        }
    }

    /// A file size limit simulates a quota.
    @Test func fileThatMayNotGrowPassesByItself() async throws {
        try await withFolder { folder in
            let hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            try Shell.run("prlimit --fsize=600000: --pid \(hub.program.identifier)", in: folder)
            let answered = try await self.fill(hub, token)
            try await hub.waitUntilUnready("database_unavailable")
            try Shell.run("prlimit --fsize=unlimited: --pid \(hub.program.identifier)", in: folder)
            try await eventually("it is ready", within: .seconds(30)) {
                try await hub.get("/health/ready").status == 200
            }
            #expect(try await hub.publish("after", token: token) == 200)
            try await hub.program.kill()
            let next = try await RunningHub.start(in: folder)
            #expect(try await next.ids(token) == answered + ["after"])
            try await next.program.kill()
        }
    }

    /// A file system that gives up, as after errors of its disk.
    @Test(
        .enabled(if: Shell.succeeds("test $(id -u) = 0 && losetup -f && mkfs.ext4 -V"), "takes root and a loop device")
    )
    func fileSystemThatBecomesReadOnlyIsNoticed() async throws {
        try await withFolder { folder in
            try Shell.run(
                "mkdir var && dd if=/dev/zero of=disk bs=1M count=16 && mkfs.ext4 -q disk && mount -o loop disk var",
                in: folder
            )
            defer { try? Shell.run("umount -l var", in: folder) }
            let hub = try await RunningHub.start(in: folder)
            let token = try await hub.token("svc", "publish:*")
            #expect(try await hub.publish("1", token: token) == 200)
            try Shell.run("mount -o remount,abort var", in: folder)
            #expect(try await hub.publish("2", token: token) == 503)
            try await hub.waitUntilUnready("database_unavailable")
            try await self.expectUnready(hub, probes: 8)
            try await hub.program.kill()
            try Shell.run("umount var; mount -o loop disk var", in: folder)
            let next = try await RunningHub.start(in: folder)
            #expect(try await next.ids(token) == ["1"])
            try await next.program.kill()
        }
    }

    /// Publishes until the hub reports that events cannot be committed.
    private func fill(_ hub: RunningHub, _ token: String) async throws -> [String] {
        var answered: [String] = []
        for id in 1...2000 {
            guard try await hub.publish("\(id)", size: 3000, token: token) == 200 else { return answered }
            answered.append("\(id)")
        }
        Issue.record("the disk was never full")
        return answered
    }

    /// It is not ready during so many signs of life that it asks its tape for.
    private func expectUnready(_ hub: RunningHub, probes: Int) async throws {
        let end = ContinuousClock.now.advanced(by: .seconds(probes))
        try await eventually("the time is over, or it is ready") {
            let status = try await hub.get("/health/ready").status
            #expect(status == 503)
            return status != 503 || ContinuousClock.now > end
        }
    }

    /// A folder that its user may not enter any more. Root may enter all.
    @Test(.enabled(if: geteuid() == 0, "running as somebody else takes root"))
    func folderThatCannotBeEnteredIsWaitedFor() async throws {
        try await withFolder { folder in
            try Shell.run("mkdir var && chown 65534 . var", in: folder)
            let command =
                "exec setpriv --reuid=65534 --clear-groups \"$0\" serve --port 0 --admin-port 0 --jwt-secret \"$1\""
            let program = try Program(
                at: URL(fileURLWithPath: "/bin/sh"),
                ["-c", command, Program.folder.appendingPathComponent("broadtape").path, RunningHub.secret],
                in: folder
            )
            let hub = try await RunningHub.listening(program, in: folder)
            let token = try await hub.token("svc", "publish:*")
            #expect(try await hub.publish("1", token: token) == 200)
            try Shell.run("chmod 0 var", in: folder)
            #expect(try await hub.publish("2", token: token) == 503)
            try await hub.waitUntilUnready("database_unavailable")
            #expect(try await hub.adminReadiness()["detail"]?.string?.contains("Permission denied") == true)
            try Shell.run("chmod 700 var", in: folder)
            try await eventually("it is ready") { try await hub.get("/health/ready").status == 200 }
            #expect(try await hub.publish("2", token: token) == 200)
            try Shell.run("chmod 0 \(Self.database)", in: folder)
            try await program.record.wait(for: "a warning") { $0.errors.contains("could not be opened again") }
            #expect(try await hub.publish("3", token: token) == 200)
            try await program.kill()
        }
    }
}

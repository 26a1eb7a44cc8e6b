// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// `config/install`, which `make run` begins with, on a system that is not Debian.
@Suite(.system)
struct InstallTests {
    private static let libraries = ["libssl-dev", "libhiredis-dev", "libpq-dev", "zlib1g-dev", "libsqlite3-dev"]

    /// - Parameter absent: The module that this system does not have.
    private static func install(without absent: String) async throws -> Program.Record {
        var record: Program.Record?
        try await withFolder { folder in
            for name in ["bash", "dirname", "env", "grep", "id"] {
                try FileManager.default.createSymbolicLink(
                    atPath: folder.path(name),
                    withDestinationPath: "/usr/bin/\(name)"
                )
            }
            let script = "#!/usr/bin/bash\n[ \"$1\" = --exists ] && [ \"$2\" != \(absent) ]\n"
            _ = try folder.write(script, to: "pkg-config")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path("pkg-config"))
            record = try await Program(
                at: URL(fileURLWithPath: "/usr/bin/bash"),
                ["-c", "PATH='\(folder.path)'; exec bash '\(Script.root.path)/config/install' \"$@\"", "install"]
                    + Self.libraries,
                in: folder
            ).end()
        }
        return try #require(record)
    }

    @Test func librariesThatAreHereAreNotMissing() async throws {
        let record = try await Self.install(without: "nothing")
        #expect(record.status == 0 && record.output.isEmpty && record.errors.isEmpty, "\(record)")
    }

    @Test func theMissingOneIsNamed() async throws {
        let record = try await Self.install(without: "hiredis")
        #expect(record.status == 1 && record.errors.contains("install): libhiredis-dev\n"), "\(record)")
    }
}

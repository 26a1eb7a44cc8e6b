// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Server

/// Checks the limits of the machine.
struct HostExamination {
    /// Descriptors for ten thousand connections and the hub's own files.
    private static let descriptors = 10_500

    var findings: [Finding] {
        [self.descriptors, self.backlog, self.clock].compactMap { $0 }
    }

    private var descriptors: Finding? {
        // As `serve` does; the limit is that of this process.
        Self.judge(descriptors: Descriptors.raiseLimit())
    }

    static func areFew(descriptors: Int) -> Bool {
        descriptors < Self.descriptors
    }

    static func judge(descriptors: Int) -> Finding {
        guard Self.areFew(descriptors: descriptors) else {
            return .good("file descriptors", "\(descriptors); each connection uses one")
        }
        return .warning(
            "file descriptors",
            "\(descriptors), and each connection uses one; raise the hard limit (LimitNOFILE= for systemd, "
                + "`ulimit -Hn`, --ulimit nofile= for containers)"
        )
    }

    /// Connections that the kernel queues until they are accepted.
    private var backlog: Finding? {
        let path = "/proc/sys/net/core/somaxconn"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let value = Int(decimal: text.trimmingCharacters(in: .whitespacesAndNewlines), in: .seq)
        else { return nil }
        return Self.judge(backlog: value)
    }

    static func judge(backlog: Int) -> Finding {
        guard backlog < 1024 else { return .good("accept queue", "net.core.somaxconn is \(backlog)") }
        return .warning(
            "accept queue",
            "net.core.somaxconn is \(backlog): clients that all reconnect at once have to wait; set it to 4096"
        )
    }

    /// systemd-timesyncd reports when it has set the clock. With other programs, only the comparison with the clocks of
    /// the database and Redis shows an offset.
    private var clock: Finding? {
        FileManager.default.fileExists(atPath: "/run/systemd/timesync/synchronized")
            ? .good("clock", "synchronised by systemd-timesyncd") : nil
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What the machine gives the hub.
struct HostExamination {
    /// Descriptors for ten thousand connections, and what a hub needs besides.
    private static let descriptors = 10_500

    var findings: [Finding] {
        [self.descriptors, self.backlog, self.clock].compactMap { $0 }
    }

    private var descriptors: Finding? {
        var limit = rlimit()
        #if canImport(Darwin)
        let code = unsafe getrlimit(RLIMIT_NOFILE, &limit)
        #else
        let code = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #endif
        guard code == 0 else { return nil }
        return Self.judge(descriptors: UInt64(clamping: limit.rlim_cur), atMost: UInt64(clamping: limit.rlim_max))
    }

    static func judge(descriptors: UInt64, atMost: UInt64) -> Finding {
        guard descriptors < UInt64(Self.descriptors) else {
            return .good("file descriptors", "\(descriptors); each connection takes one")
        }
        return .warning(
            "file descriptors",
            "\(descriptors), and each connection takes one; raise the limit (LimitNOFILE= for systemd, `ulimit -n`, "
                + "--ulimit nofile= for containers; at most \(atMost) here)"
        )
    }

    /// Connections that the kernel keeps until they are accepted.
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
            "net.core.somaxconn is \(backlog): clients that all come back at once will be kept waiting; set it to 4096"
        )
    }

    /// systemd-timesyncd says when it has set the clock; with other programs only the comparison with the database's clock
    /// and Redis's tells.
    private var clock: Finding? {
        FileManager.default.fileExists(atPath: "/run/systemd/timesync/synchronized")
            ? .good("clock", "synchronised by systemd-timesyncd") : nil
    }
}

// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import Hub

/// Where a database is and how to log in, as libpq's keywords.
///
/// Its description leaves out everything secret.
struct PostgresAddress: Sendable, CustomStringConvertible {
    /// Keywords of libpq and their values, only those that the URL gives.
    private(set) var options: [(keyword: String, value: String)]

    /// Set unless the URL says otherwise: a dead peer is found out on an idle connection too, and of several hosts the
    /// one that can be written is used.
    private static let defaults = [
        ("application_name", "broadtape"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
        ("keepalives_count", "3"), ("tcp_user_timeout", "15000"), ("target_session_attrs", "read-write"),
    ]

    /// Reads `postgres://user:password@host:port/database?option=value` or `postgresql://…`, with any option of libpq
    /// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
    init(url: String) throws(TapeFault) {
        guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") else {
            throw .unavailable("the database's URL must begin with postgres:// or postgresql://")
        }
        var complaint: UnsafeMutablePointer<CChar>?
        guard let parsed = unsafe PQconninfoParse(url, &complaint) else {
            // libpq's words quote the URL, which may hold a password.
            unsafe PQfreemem(complaint)
            throw .unavailable(
                "the database's URL is malformed; it has the form postgres://user:password@host:port/database"
            )
        }
        defer { unsafe PQconninfoFree(parsed) }
        var options: [(keyword: String, value: String)] = []
        var option = unsafe parsed
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe options.append((String(cString: keyword), String(cString: value)))
            }
            unsafe option += 1
        }
        for (keyword, value) in Self.defaults where !options.contains(where: { $0.keyword == keyword }) {
            options.append((keyword, value))
        }
        // Swift's strings are UTF-8.
        options.removeAll { $0.keyword == "client_encoding" }
        options.append(("client_encoding", "UTF8"))
        self.options = options
    }

    var description: String {
        func value(_ keyword: String) -> String? {
            self.options.first { $0.keyword == keyword }?.value
        }
        let host = value("host") ?? value("hostaddr") ?? "localhost"
        let port = value("port").map { ":" + $0 } ?? ""
        return "postgres://\(host)\(port)/\(value("dbname") ?? value("user") ?? "")"
    }
}

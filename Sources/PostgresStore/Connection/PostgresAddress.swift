// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import EventLog
import SafeText

/// Address and credentials of a database, as libpq keywords.
///
/// Its description contains no secrets.
struct PostgresAddress: Sendable, CustomStringConvertible {
    /// libpq keywords and values given in the URL.
    private(set) var options: [(keyword: String, value: String)]

    /// Defaults that the URL can override: detect a dead peer even on an idle connection, and use the writable one of
    /// several hosts.
    private static let defaults = [
        ("application_name", "broadtape"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
        ("keepalives_count", "3"), ("tcp_user_timeout", "15000"), ("target_session_attrs", "read-write"),
    ]

    /// Reads `postgres://user:password@host:port/database?option=value` or `postgresql://…`, with any option of libpq
    /// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
    init(url: String) throws(TapeFault) {
        guard let separator = url.firstRange(of: "://"),
            ["postgres", "postgresql"].contains(url[..<separator.lowerBound].lowercased())
        else { throw .unavailable("the database's URL must begin with postgres:// or postgresql://") }
        let rest = url[separator.upperBound...]
        try Self.check(rest)
        let url = "postgresql://\(rest)"
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = unsafe PQconninfoParse(url, &message) else {
            // The error of libpq quotes the URL, which may contain a password.
            unsafe PQfreemem(message)
            throw .unavailable(
                "the database's URL is malformed; it has the form postgres://USER:PASSWORD@HOST/NAME?OPTION=VALUE"
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

    /// libpq interprets a part of a password that is not percent-encoded as host, port or name, and repeats it in its
    /// errors.
    private static func check(_ rest: Substring) throws(TapeFault) {
        let end = rest.utf8.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
        let slash = rest[..<end].utf8.firstIndex(of: UInt8(ascii: "/")) ?? end
        let parts = rest[..<slash].utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        let hosts = parts.last?.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) ?? []
        let hasPorts = hosts.allSatisfy { host in
            let colon = host.lastIndex(of: UInt8(ascii: ":"))
            guard let colon, host.last != UInt8(ascii: "]") else { return true }
            return host[host.index(after: colon)...].allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        }
        guard parts.count <= 2, !rest[slash..<end].utf8.contains(UInt8(ascii: "@")), hasPorts else {
            throw .unavailable(
                "the database's URL is malformed: a port is a number, and in a password @ is written %40, / %2F and ? %3F"
            )
        }
    }

    /// Secrets that must not appear in messages.
    var secrets: AddressSecrets {
        AddressSecrets(self.options.filter { $0.keyword.hasSuffix("password") }.map(\.value))
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

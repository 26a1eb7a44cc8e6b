// SPDX-License-Identifier: Apache-2.0

/// Shows addresses without what gives access: passwords, keys in paths and queries.
///
/// Shows what is known to be harmless and hides the rest, because a mistyped address may have its password anywhere.
package enum Redaction {
    /// Replaces what is hidden.
    package static let hidden = "********"

    /// Options of database addresses whose values give access to nothing.
    private static let options: Set<String> = [
        "application_name", "ca", "channel_binding", "connect_timeout", "db", "dbname", "gssencmode", "host",
        "hostaddr",
        "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "port",
        "sslcert", "sslcrl", "sslkey", "sslmode", "sslnegotiation", "sslrootcert", "target_session_attrs",
        "tcp_user_timeout", "user",
    ]
    /// Schemes whose path is a place or a name, not a key.
    private static let openPaths: Set<String> = [
        "postgres", "postgresql", "redis", "rediss", "redis+unix", "unix", "file",
    ]
    private static var plain: Regex<Substring> { /[A-Za-z0-9._~\/+\-]*/ }

    /// An address as it may be shown. What is no address of a known form is hidden whole.
    package static func address(_ text: String) -> String {
        if text.wholeMatch(of: /(?i:sqlite:(?!\/\/).*|memory:?)/) != nil { return text }
        guard let match = text.wholeMatch(of: /([A-Za-z][A-Za-z0-9+.\-]{0,20}):\/\/(.*)/.dotMatchesNewlines()) else {
            return text.isEmpty ? text : Self.hidden
        }
        let scheme = match.1.lowercased()
        var rest = match.2
        var shown = "\(match.1)://"
        // The last one: a password may have others, and slashes and question marks, where they are not encoded.
        if let at = rest.lastIndex(of: "@") {
            shown += Self.credentials(rest[..<at], scheme) + "@"
            rest = rest[rest.index(after: at)...]
        }
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        guard Self.isPlace(rest[..<end]) else { return "\(match.1)://\(Self.hidden)" }
        shown += rest[..<end]
        rest = rest[end...]
        let pathEnd = rest.firstIndex { "?#".contains($0) } ?? rest.endIndex
        let path = rest[..<pathEnd]
        shown +=
            path.count < 2 || Self.openPaths.contains(scheme) && path.wholeMatch(of: Self.plain) != nil
            ? String(path) : "/\(Self.hidden)"
        rest = rest[pathEnd...]
        if rest.first == "?" {
            let queryEnd = rest.firstIndex(of: "#") ?? rest.endIndex
            let isDatabase = Self.openPaths.contains(scheme)
            let parts = rest[..<queryEnd].dropFirst().split(separator: "&", omittingEmptySubsequences: false)
            shown += "?" + parts.map { Self.option($0, isShown: isDatabase) }.joined(separator: "&")
            rest = rest[queryEnd...]
        }
        return rest.isEmpty ? shown : "\(shown)#\(Self.hidden)"
    }

    /// The user of a database is shown: an operator looks for it. Of others it may be the key.
    private static func credentials(_ text: Substring, _ scheme: String) -> String {
        let user = text.prefix { $0 != ":" }
        guard ["postgres", "postgresql"].contains(scheme), user.wholeMatch(of: Self.plain) != nil else {
            return Self.hidden
        }
        return user.count == text.count ? String(user) : "\(user):\(Self.hidden)"
    }

    /// Hosts with or without ports, with commas between. A password may be where a port belongs.
    private static func isPlace(_ text: Substring) -> Bool {
        text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { host in
            guard let match = host.wholeMatch(of: /(\[[0-9A-Fa-f:.%]*\]|[A-Za-z0-9._\-%]*)(?::([0-9]{0,5}))?/) else {
                return false
            }
            guard let port = match.2, !port.isEmpty else { return true }
            return !match.1.isEmpty && (UInt16(port) != nil)
        }
    }

    private static func option(_ text: Substring, isShown: Bool) -> String {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].wholeMatch(of: Self.plain) != nil else { return Self.hidden }
        let isHarmless =
            isShown && Self.options.contains(String(parts[0])) && parts[1].wholeMatch(of: Self.plain) != nil
        return "\(parts[0])=\(isHarmless ? String(parts[1]) : Self.hidden)"
    }

    /// A text, such as a message of a library, with each address in it as ``address(_:)`` shows it, and without the values
    /// of what is called a password.
    package static func text(_ text: String) -> String {
        var shown = text
        if text.utf8.contains(UInt8(ascii: "=")) {
            let named = /((?i:password|passwd|passphrase|pwd|secret|token|api[-_]?key)\s*=\s*)(?:'[^']*'|[^\s&'"]+)/
            shown = shown.replacing(named) { "\($0.1)\(Self.hidden)" }
        }
        guard shown.utf8.contains(UInt8(ascii: ":")), shown.contains("://") else { return shown }
        let address = /[A-Za-z][A-Za-z0-9+.\-]*:\/\/[^\s"'`<>()\[\]{}]*(?:\[[0-9A-Fa-f:.]+\][^\s"'`<>()\[\]{}]*)?/
        return shown.replacing(address) { found in
            // What ends a sentence is not the address'.
            let text = found.output
            let end = text.lastIndex { !".,;:!?".contains($0) }.map { text.index(after: $0) } ?? text.endIndex
            return Self.address(String(text[..<end])) + text[end...]
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The web origins (RFC 6454) whose pages may use the hub.
package enum AllowedOrigins: Sendable, Equatable {
    /// Any origin. A page can do nothing without a token, which browsers do not send automatically.
    case any
    /// Such as `https://app.example.com`, with the port unless it is the scheme's default; in lower case.
    case only(Set<String>)

    /// Parses origins.
    /// - Returns: Nil if one of them is not a scheme and a host with an optional port.
    package init?(_ origins: [String]) {
        var known: Set<String> = []
        for origin in origins {
            guard let parts = origin.wholeMatch(of: #/[A-Za-z][A-Za-z0-9+.\-]*://[^\/?#@\s]+/#) else { return nil }
            known.insert(parts.output.lowercased())
        }
        self = .only(known)
    }

    /// - Parameter origin: As a browser sends it.
    func allow(_ origin: String) -> Bool {
        switch self {
        case .any: true
        case .only(let origins): origins.contains(origin.lowercased())
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The web origins (RFC 6454) whose pages may use the hub from a browser.
package enum AllowedOrigins: Sendable, Equatable {
    /// Every page. A page can do nothing without a token, which no browser sends by itself.
    case any
    /// As `https://app.example.com`, with the port where it is not the scheme's own; in lower case.
    case only(Set<String>)

    /// Reads origins.
    /// - Returns: Nil when one of them has more or less than a scheme, a host and a port.
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

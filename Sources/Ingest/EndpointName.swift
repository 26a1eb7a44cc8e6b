// SPDX-License-Identifier: Apache-2.0

import SafeText

/// What operators are shown of an endpoint's URL: where it is, never what may be a key.
package struct EndpointName: Sendable, CustomStringConvertible {
    /// Scheme, host and port.
    package let description: String
    /// What may be a key: what is known to look like one in an address, and every longer part of this one.
    private let secrets: [AddressSecrets]

    /// Shorter parts of a path are words such as `v3`, not keys.
    private static let shortestSecret = 8

    package init(_ url: String) {
        let start = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        let end = url[start...].firstIndex { "/?#".contains($0) } ?? url.endIndex
        let authority = url[start..<end]
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        self.description = String(url[..<start] + host)
        let user = authority.lastIndex(of: "@").map { authority[..<$0] } ?? ""
        let parts = user.split(separator: ":") + url[end...].split { "/?#&=".contains($0) }
        let longer = parts.map(String.init).filter { $0.utf8.count >= Self.shortestSecret }
        self.secrets = [AddressSecrets(longer), AddressSecrets(ofAddress: url)]
    }

    private init(_ description: String, _ secrets: [AddressSecrets]) {
        self.description = description
        self.secrets = secrets
    }

    /// Names of some URLs, each once: of two at one host the second gets a number.
    package static func all(_ urls: [String]) -> [EndpointName] {
        var counts: [String: Int] = [:]
        return urls.map { url in
            let name = EndpointName(url)
            let count = counts[name.description, default: 0] + 1
            counts[name.description] = count
            return count == 1 ? name : EndpointName("\(name.description)#\(count)", name.secrets)
        }
    }

    /// What the endpoint answered, in one line and without what may be its key: some providers repeat it.
    package func redact(_ text: String) -> String {
        let text = self.secrets.reduce(text) { $1.removed(from: $0) }
        let words = text.unicodeScalars.split {
            $0.properties.isWhitespace || $0.properties.generalCategory == .control
        }
        return words.map { String($0) }.joined(separator: " ")
    }
}

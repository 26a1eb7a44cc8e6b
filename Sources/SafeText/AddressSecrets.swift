// SPDX-License-Identifier: Apache-2.0

/// What of an address gives access, to be taken out of texts in which a server or a library repeats it.
package struct AddressSecrets: Sendable {
    /// Shorter ones would be found in texts that have nothing to do with them.
    private static let leastLength = 4
    /// A part of a path is taken for a key from these lengths on, with and without digits: `v3`, `rpc` and `mainnet` are
    /// none.
    private static let leastKey = (withDigits: 8, without: 20)

    /// The longest first, so that of one that has another in it nothing is left.
    private let texts: [String]

    package init(_ texts: [String]) {
        self.texts = Set(texts).filter { $0.utf8.count >= Self.leastLength }.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// Of an address: user and password, what looks like a key in its path, the values of its query.
    package init(ofAddress address: String) {
        self.init(ofAddresses: [address])
    }

    package init(ofAddresses addresses: [String]) {
        let found = addresses.flatMap { Self.found(in: $0) }
        self.init(found + found.compactMap(Self.decoded))
    }

    private static func found(in address: String) -> [String] {
        guard let scheme = address.firstRange(of: "://") else { return [] }
        var rest = address[scheme.upperBound...]
        var found: [Substring] = []
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at]
            found.append(credentials)
            found += credentials.split(separator: ":", maxSplits: 1)
            rest = rest[rest.index(after: at)...]
        }
        let query = rest.firstIndex { $0 == "?" || $0 == "#" } ?? rest.endIndex
        found += rest[..<query].split(separator: "/").dropFirst().filter(Self.isKey)
        for option in rest[query...].dropFirst().split(whereSeparator: { $0 == "&" || $0 == "#" }) {
            found.append(option.split(separator: "=", maxSplits: 1).last ?? option)
        }
        return found.map(String.init)
    }

    private static func isKey(_ part: Substring) -> Bool {
        let hasDigits = part.utf8.contains { 0x30...0x39 ~= $0 }
        return part.utf8.count >= (hasDigits ? Self.leastKey.withDigits : Self.leastKey.without)
    }

    /// Without percent-encoding, which a server that repeats it has undone.
    private static func decoded(_ text: String) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return nil }
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A text without them, and with its addresses as ``Redaction/text(_:)`` shows them.
    package func removed(from text: String) -> String {
        var text = text
        for secret in self.texts { text = text.replacing(secret, with: Redaction.hidden) }
        return Redaction.text(text)
    }
}

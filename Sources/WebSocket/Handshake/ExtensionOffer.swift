// SPDX-License-Identifier: Apache-2.0

/// An element of `Sec-WebSocket-Extensions`, RFC 6455 §9.1.
package struct ExtensionOffer: Sendable, Hashable {
    /// A parameter; many have no value.
    package struct Parameter: Sendable, Hashable {
        package let name: String
        package let value: String?
    }

    /// The extension's token, as `permessage-deflate`.
    package let name: String
    /// Its parameters in order.
    package let parameters: [Parameter]

    /// Reads every element of the lines of a field, `nil` if one breaks the grammar.
    static func parse(_ lines: [String]) -> [ExtensionOffer]? {
        var offers: [ExtensionOffer] = []
        for line in lines {
            for element in split(line, at: UInt8(ascii: ",")) where !element.isEmpty {
                guard let offer = ExtensionOffer(element) else { return nil }
                offers.append(offer)
            }
        }
        return offers
    }

    private init?(_ element: Substring) {
        let parts = Self.split(element, at: UInt8(ascii: ";"))
        guard let name = parts.first, name.isToken else { return nil }
        var parameters: [Parameter] = []
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = pair.first?.trimmed, name.isToken else { return nil }
            guard pair.count == 2 else {
                parameters.append(Parameter(name: name.lowercased(), value: nil))
                continue
            }
            guard let value = Self.value(pair[1].trimmed) else { return nil }
            parameters.append(Parameter(name: name.lowercased(), value: value))
        }
        self.name = name.lowercased()
        self.parameters = parameters
    }

    /// A token, or a quoted string that is a token once unquoted (RFC 6455 §9.1).
    private static func value(_ text: Substring) -> String? {
        var value = String(text)
        if value.utf8.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") {
            value = String(value.dropFirst().dropLast())
            value.removeAll { $0 == "\\" }
        }
        return value.isToken ? value : nil
    }

    /// Splits outside quotes, and trims.
    ///
    /// A quoted comma cannot be part of a valid value, but it must not end one.
    private static func split(_ text: some StringProtocol, at separator: UInt8) -> [Substring] {
        var parts: [Substring] = []
        var isQuoted = false
        let text = Substring(text)
        var start = text.startIndex
        for index in text.utf8.indices {
            switch text.utf8[index] {
            case UInt8(ascii: "\""):
                isQuoted.toggle()
            case separator where !isQuoted:
                parts.append(text[start..<index].trimmed)
                start = text.utf8.index(after: index)
            default:
                break
            }
        }
        parts.append(text[start...].trimmed)
        return parts
    }
}

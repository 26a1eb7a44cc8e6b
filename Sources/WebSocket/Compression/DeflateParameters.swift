// SPDX-License-Identifier: Apache-2.0

/// The parameters of permessage-deflate as one element of `Sec-WebSocket-Extensions` spells them (RFC 7692 §7.1).
package struct DeflateParameters: Sendable, Hashable {
    /// The extension's token.
    package static let name = "permessage-deflate"
    /// Windows are 2⁸ to 2¹⁵ bytes, and the largest unless something else is agreed on (RFC 7692 §7.1.2).
    static let windows = 8...largestWindow
    static let largestWindow = 15

    /// `client_max_window_bits`, which may be without a value in an offer.
    package enum ClientWindow: Sendable, Hashable {
        /// Not mentioned: the server may not limit it.
        case unmentioned
        /// Mentioned without a value: the server may limit it.
        case limitable
        /// The client's window is limited to so many bits; in an offer, the server may limit it further.
        case limited(Int)
    }

    /// `server_no_context_takeover`: the server compresses each message by itself.
    package var serverNoContextTakeover = false
    /// `client_no_context_takeover`: the client compresses each message by itself.
    package var clientNoContextTakeover = false
    /// `server_max_window_bits`: the server's window is limited to so many bits.
    package var serverWindow: Int?
    /// `client_max_window_bits`.
    package var clientWindow = ClientWindow.unmentioned

    /// Creates the parameters of an element without any.
    package init() {}

    /// Reads an element, `nil` where it is not permessage-deflate as RFC 7692 §7 has it: a parameter that is unknown,
    /// repeated, or with a value it cannot have.
    package init?(_ element: ExtensionOffer) {
        guard element.name == Self.name else { return nil }
        guard Set(element.parameters.map(\.name)).count == element.parameters.count else { return nil }
        for parameter in element.parameters {
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil): serverNoContextTakeover = true
            case ("client_no_context_takeover", nil): clientNoContextTakeover = true
            case ("client_max_window_bits", nil): clientWindow = .limitable
            case ("client_max_window_bits", let value?):
                guard let bits = Self.window(value) else { return nil }
                clientWindow = .limited(bits)
            case ("server_max_window_bits", let value?):
                guard let bits = Self.window(value) else { return nil }
                serverWindow = bits
            case (_, _): return nil
            }
        }
    }

    /// A decimal number from 8 to 15 without leading zeros (RFC 7692 §7.1.2).
    private static func window(_ value: String) -> Int? {
        windows.first { String($0) == value }
    }

    /// The element, as it is written in the field.
    package var element: String {
        var parts = [Self.name]
        if serverNoContextTakeover { parts.append("server_no_context_takeover") }
        if clientNoContextTakeover { parts.append("client_no_context_takeover") }
        if let serverWindow { parts.append("server_max_window_bits=\(serverWindow)") }
        switch clientWindow {
        case .unmentioned: break
        case .limitable: parts.append("client_max_window_bits")
        case .limited(let bits): parts.append("client_max_window_bits=\(bits)")
        }
        return parts.joined(separator: "; ")
    }
}

extension DeflateParameters {
    /// Validates a server's answer to this offer.
    ///
    /// - Parameter extensions: What the server agreed to.
    /// - Returns: The parameters in force from now on, `nil` where the server declined.
    package func judge(_ extensions: [ExtensionOffer]) throws(DeflateFault) -> DeflateParameters? {
        let elements = extensions.filter { $0.name == Self.name }
        guard let element = elements.first else { return nil }
        guard elements.count == 1 else { throw .repeated }
        guard let answer = DeflateParameters(element) else { throw .malformed }
        guard answer.serverNoContextTakeover || !serverNoContextTakeover else { throw .serverTakeover }
        if let asked = serverWindow {
            guard let window = answer.serverWindow, window <= asked else { throw .serverWindow }
        }
        switch (clientWindow, answer.clientWindow) {
        case (_, .unmentioned), (.limitable, .limited): break
        // In an answer the value must be there (RFC 7692 §7.1.2.2).
        case (_, .limitable): throw .malformed
        case (.unmentioned, .limited): throw .clientWindow
        case (.limited(let offered), .limited(let bits)): guard bits <= offered else { throw .clientWindow }
        }
        return answer
    }
}

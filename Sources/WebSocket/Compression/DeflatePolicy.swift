// SPDX-License-Identifier: Apache-2.0

/// What a server agrees to.
package struct DeflatePolicy: Sendable, Hashable {
    /// The server keeps its history from message to message unless the client forbids it.
    ///
    /// Costs a compressor for as long as the connection lasts.
    package var serverTakeover: Bool
    /// The client may keep its history from message to message.
    ///
    /// Costs a decompressor for as long as the connection lasts.
    package var clientTakeover: Bool
    /// The least window the server is content with, in bits; 9 is as low as zlib gets.
    ///
    /// Offers that ask for less are declined.
    package var leastServerWindow: Int
    /// The largest window a client may use that lets itself be limited, in bits.
    package var clientWindow: Int

    /// Creates a policy; the default agrees to nothing that costs memory between messages.
    package init(
        serverTakeover: Bool = false,
        clientTakeover: Bool = false,
        leastServerWindow: Int = 9,
        clientWindow: Int = 15
    ) {
        self.serverTakeover = serverTakeover
        self.clientTakeover = clientTakeover
        self.leastServerWindow = max(9, leastServerWindow)
        self.clientWindow = clientWindow
    }

    /// Answers a client's offers: the first that can be met, in the client's order (RFC 7692 §5.1).
    ///
    /// - Returns: What to answer with, `nil` where no offer can be met and the connection continues without compression.
    package func answer(_ offers: [ExtensionOffer]) -> DeflateParameters? {
        for offer in offers {
            if let answer = DeflateParameters(offer).flatMap(self.answer) { return answer }
        }
        return nil
    }

    private func answer(_ offer: DeflateParameters) -> DeflateParameters? {
        var answer = DeflateParameters()
        answer.serverNoContextTakeover = offer.serverNoContextTakeover || !serverTakeover
        answer.clientNoContextTakeover = offer.clientNoContextTakeover || !clientTakeover
        if let window = offer.serverWindow {
            guard window >= leastServerWindow else { return nil }
            answer.serverWindow = window
        }
        // Only where the client said that it understands the limit (RFC 7692 §7.1.2.2).
        switch offer.clientWindow {
        case .unmentioned: break
        case .limitable where clientWindow == DeflateParameters.largestWindow: break
        case .limitable: answer.clientWindow = .limited(clientWindow)
        case .limited(let bits): answer.clientWindow = .limited(min(bits, clientWindow))
        }
        return answer
    }
}

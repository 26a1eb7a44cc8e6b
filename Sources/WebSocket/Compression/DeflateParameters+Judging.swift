// SPDX-License-Identifier: Apache-2.0

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

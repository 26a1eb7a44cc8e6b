// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The server's proof that it understood the handshake, RFC 6455 §4.2.2.
package enum AcceptKey {
    /// Returns the value of `Sec-WebSocket-Accept` that answers this `Sec-WebSocket-Key`.
    package static func answer(to key: String) -> String {
        var hash = Insecure.SHA1()
        hash.update(data: Array(key.utf8))
        hash.update(data: Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        return Base64.encode(Array(hash.finalize()))
    }
}

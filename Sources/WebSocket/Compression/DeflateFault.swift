// SPDX-License-Identifier: Apache-2.0

/// Why an answer to an offer of permessage-deflate ends the connection (RFC 7692 §7.1).
package enum DeflateFault: Error, Hashable {
    /// The server agreed more than once.
    case repeated
    /// A parameter that is unknown, repeated, or with a value it cannot have.
    case malformed
    /// The server does not give up its history although it was asked to.
    case serverTakeover
    /// The server's window is larger than it was asked to keep it.
    case serverWindow
    /// The server limits a window of ours that was not said to be limitable, or to more than it was limited to.
    case clientWindow
}

extension DeflateFault: CustomStringConvertible {
    /// One line for logs.
    package var description: String {
        switch self {
        case .repeated: "the server agreed to permessage-deflate more than once"
        case .malformed: "a parameter of permessage-deflate is unknown, repeated, or has a value it cannot have"
        case .serverTakeover: "the server did not agree to server_no_context_takeover"
        case .serverWindow: "the server did not agree to server_max_window_bits"
        case .clientWindow: "the server set client_max_window_bits to what was not offered"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Why a connection ended, or failed.
public enum Ending: Error, Sendable, Equatable {
    /// There was no TCP or TLS connection; the text is the system's message.
    case unreachable(String)
    /// Connecting, TLS and the upgrade together took longer than this many milliseconds.
    case timedOut(milliseconds: Int)
    /// The server answered the upgrade with an HTTP status instead of 101.
    /// - Parameter retryAfter: Seconds from `Retry-After`.
    case refused(status: Int, reason: String, retryAfter: Int?)
    /// The server's answer to the upgrade breaks RFC 6455.
    case handshake(String)
    /// The server broke the protocol, or sent a message larger than this client accepts.
    case violation(String)
    /// The connection was closed. Code 1006 means an end without a close frame.
    case closed(code: UInt16, reason: String)
    /// Nothing arrived for this many milliseconds, so this client closed the connection.
    case silent(milliseconds: Int)
    /// A channel stayed behind its head while nothing arrived, so this client closed the connection.
    case stuck(channel: String)
    /// The token provider threw; the text describes its error.
    case noToken(String)
    /// The hub refused every channel; code and message of the last refusal.
    case nothingToRead(code: String, message: String)

    /// What a client should do after a close.
    public enum Verdict: Sendable, Equatable {
        /// Connect again after a while and resume.
        case reconnect
        /// Connecting again would end the same way.
        case stop
    }

    /// What a client does about it.
    ///
    /// 4500–4999 are final by contract, and so are the codes of protocol errors: 1002, 1003, 1007–1010.
    /// Everything else is temporary.
    public var verdict: Verdict {
        switch self {
        case .unreachable, .timedOut, .silent, .stuck, .noToken:
            .reconnect
        case .refused(let status, _, _):
            status == 408 || status == 425 || status == 429 || status >= 500 ? .reconnect : .stop
        case .handshake, .violation, .nothingToRead:
            .stop
        case .closed(let code, _):
            switch code {
            case 1002, 1003, 1007...1010, 4500...4999: .stop
            default: .reconnect
            }
        }
    }
}

extension Ending: CustomStringConvertible {
    /// A sentence for a human.
    public var description: String {
        switch self {
        case .unreachable(let why): "cannot connect: \(why)"
        case .timedOut(let milliseconds): "cannot connect: no answer within \(milliseconds) ms"
        case .refused(let status, let reason, _):
            "the server refused the WebSocket with \(status)\(reason.isEmpty ? "" : " \(reason)")"
        case .handshake(let why): "the server's answer is not a WebSocket handshake: \(why)"
        case .violation(let why): "the server broke the protocol: \(why)"
        case .closed(1006, let reason): "the connection was lost\(reason.isEmpty ? "" : ": \(reason)")"
        case .closed(let code, let reason): "closed with \(code)\(reason.isEmpty ? "" : " (\(reason))")"
        case .silent(let milliseconds): "nothing was heard from the server for \(milliseconds) ms"
        case .stuck(let channel): "\(channel) stayed behind its head while nothing arrived"
        case .noToken(let why): "there is no token: \(why)"
        case .nothingToRead(let code, let message): "every channel was refused (\(code): \(message))"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Why there is no connection to Redis, or none any more. For operators; has no password.
package enum RedisEnding: Error, Sendable, Equatable, CustomStringConvertible {
    /// No connection came about: what the system or TLS says.
    case unreachable(String)
    /// Connecting or greeting took too long.
    case timedOut(milliseconds: Int)
    /// Redis refused a command.
    case refused(command: String, reply: String)
    /// Nothing was heard for so long, not even an answer to `PING`.
    case silent(milliseconds: Int)
    /// The server sent what cannot be read.
    case fault(RedisFault)
    /// The connection broke, or the server closed it.
    case lost(String)
    /// This side had no more use for it.
    case cancelled

    package var description: String {
        switch self {
        case .unreachable(let reason): "Redis cannot be reached: \(reason)"
        case .timedOut(let milliseconds):
            "Redis did not answer the greeting within \(milliseconds) ms; see that the port is right and whether it is for TLS"
        case .refused(let command, let reply): "Redis refused \(command): \(reply)"
        case .silent(let milliseconds): "nothing was heard from Redis for \(milliseconds) ms"
        case .fault(let fault): fault.description
        case .lost(let reason): "the connection to Redis was lost: \(reason)"
        case .cancelled: "the connection to Redis was closed"
        }
    }

    /// What the system says about an error, for humans.
    static func text(of error: any Error) -> String {
        switch error {
        case let error as IOError:
            return unsafe String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return Self.text(of: first.error) }
            return "there is no host \(error.host)"
        case NIOSSLError.handshakeFailed(let cause):
            let text = String(describing: cause)
            return text.contains("CERTIFICATE_VERIFY_FAILED")
                ? "the server's certificate is not trusted" : "the TLS handshake failed: \(text)"
        default:
            return String(describing: error)
        }
    }
}

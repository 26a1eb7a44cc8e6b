// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Why there is no connection to Redis. For operators; does not contain the password.
package enum RedisEnding: Error, Sendable, Equatable, CustomStringConvertible {
    /// Connecting failed, with the error of the system or TLS.
    case unreachable(String)
    /// Connecting or the greeting took too long.
    case timedOut(milliseconds: Int)
    /// Redis refused a command.
    case refused(command: String, reply: String)
    /// Nothing was received for this long, not even a reply to `PING`.
    case silent(milliseconds: Int)
    /// The server sent invalid data.
    case fault(RedisFault)
    /// The connection broke, or the server closed it.
    case lost(String)
    /// This side closed it.
    case cancelled

    package var description: String {
        switch self {
        case .unreachable(let reason): "Redis cannot be reached: \(reason)"
        case .timedOut(let milliseconds):
            "Redis did not answer the greeting within \(milliseconds) ms; check the port and whether it needs TLS"
        case .refused(let command, let reply): "Redis refused \(command): \(reply)"
        case .silent(let milliseconds): "nothing was received from Redis for \(milliseconds) ms"
        case .fault(let fault): fault.description
        case .lost(let reason): "the connection to Redis was lost: \(reason)"
        case .cancelled: "the connection to Redis was closed"
        }
    }

    /// Description of a system error, for operators.
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

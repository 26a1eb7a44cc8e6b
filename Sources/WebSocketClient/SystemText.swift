// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The system's message for an error, for humans.
package enum SystemText {
    package static func describe(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            return unsafe String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return Self.describe(first.error) }
            if error.dnsAError != nil || error.dnsAAAAError != nil { return "there is no host \(error.host)" }
            return "there is no address for \(error.host)"
        case NIOSSLError.handshakeFailed(let cause):
            let text = String(describing: cause)
            return text.contains("CERTIFICATE_VERIFY_FAILED")
                ? "the server's certificate is not trusted" : "the TLS handshake failed: \(text)"
        default:
            return String(describing: error)
        }
    }
}

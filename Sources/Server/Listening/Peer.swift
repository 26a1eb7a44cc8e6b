// SPDX-License-Identifier: Apache-2.0

/// The other end of a connection, as far as it decides what may be done on it.
package struct Peer: Sendable {
    /// Where it connects from; nil where that is no IP address.
    var address: NetworkAddress?
    /// Whether it speaks for others, whom it names in `X-Forwarded-For`.
    var isTrustedProxy = false
    var isSecure = false
    /// Whether it may publish, where that takes a client's certificate.
    var mayPublish = true

    /// The one whose request is being answered over HTTP; nil elsewhere.
    @TaskLocal static var current: Peer?
}

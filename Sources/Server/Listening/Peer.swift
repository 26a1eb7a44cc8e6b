// SPDX-License-Identifier: Apache-2.0

/// The remote end of a connection, with what determines its permissions.
package struct Peer: Sendable {
    /// Its address; nil if it is not an IP address.
    var address: NetworkAddress?
    /// Whether it is a proxy whose `X-Forwarded-For` names the client.
    var isTrustedProxy = false
    var isSecure = false
    /// Whether it may publish, if publishing needs a client certificate.
    var mayPublish = true

    /// The peer of the current HTTP request; nil elsewhere.
    @TaskLocal static var current: Peer?
}

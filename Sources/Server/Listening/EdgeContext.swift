// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
package import Logging
import NIOCore

/// The remote end of a connection, with what determines its permissions.
package struct Peer: Sendable {
    /// Its address; nil if it is not an IP address.
    let address: NetworkAddress?
    /// Whether it is a proxy whose `X-Forwarded-For` names the client.
    let isTrustedProxy: Bool
    let isSecure: Bool
    /// Whether it may publish: known with the first request, when a client certificate has been verified.
    var mayPublish = false
}

/// The connection of a request.
package struct RequestConnection: RequestContextSource {
    let channel: any Channel
    let peer: Peer
    let admission: Admission
    package let logger: Logger
}

/// A request's context: the connection that it arrived on.
package struct EdgeContext: RequestContext {
    package typealias Source = RequestConnection

    package var coreContext: CoreRequestContextStorage
    let connection: RequestConnection

    package init(source: RequestConnection) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.connection = source
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Configuration of the listener.
package struct EdgeConfiguration: Sendable {
    package var host = "127.0.0.1"
    /// 0 picks any free port.
    package var port = 8080
    /// Maximum size of an HTTP request body, in bytes.
    package var bodyBytes = 1 << 20
    /// Maximum size of a message from a client, in bytes; longer ones are closed with 1009.
    package var messageBytes = 1 << 20
    /// Time limit for TLS and the first request's head, and for each following head, in seconds.
    package var headSeconds = 10
    /// Time limit for a request body.
    package var bodyTime: Duration = .seconds(30)
    /// Idle timeout of an HTTP connection.
    package var idleTime: Duration = .seconds(120)
    /// TLS files; nil serves without TLS.
    package var tls: TLSFiles?
    /// Whether publishing needs a client certificate in addition to a token.
    package var requiresPublisherCertificates = false
    package var origins = AllowedOrigins.any
    /// Rate limits of a WebSocket client, except services.
    package var inbound = InboundBudget.Rates()
    package var admission = Admission.Limits()
    /// Maximum number of HTTP connections.
    package var httpConnections = 20_000
    /// Listen backlog: connections queued by the kernel until they are accepted.
    package var backlog = 1024

    /// Whether to offer compression (permessage-deflate, RFC 7692).
    package var compression = false
    /// Minimum size of compressed messages, in bytes.
    package var compressionThreshold = 512
    /// Maximum number of connections with context takeover (`contextTakeover=true`): each costs 38 KB, and 10 to 15 µs
    /// of loop time per event.
    package var takeoverConnections = 100

    package init() {}
}

// SPDX-License-Identifier: Apache-2.0

/// What an operator decides about listening.
package struct EdgeConfiguration: Sendable {
    package var host = "127.0.0.1"
    /// 0 takes any free port.
    package var port = 8080
    /// Body of one HTTP request, in bytes.
    package var bodyBytes = 1 << 20
    /// Largest message from a client, in bytes; a longer one ends in close code 1009.
    package var messageBytes = 1 << 20
    /// How long a connection may take for TLS and its first request's head, and for each head after it, in seconds.
    package var headSeconds = 10
    /// How long a request's body may take.
    package var bodyTime: Duration = .seconds(30)
    /// How long an HTTP connection is kept without a request.
    package var idleTime: Duration = .seconds(120)
    /// Where the certificates are; nil speaks without TLS.
    package var tls: TLSFiles?
    /// Whether publishing takes a client's certificate, over and above a token.
    package var requiresPublisherCertificates = false
    package var origins = AllowedOrigins.any
    /// How fast the client of a WebSocket may send, unless it is a service.
    package var inbound = InboundBudget.Rates()
    package var admission = Admission.Limits()
    /// HTTP connections at once.
    package var httpConnections = 20_000
    /// Connections waiting to be accepted by the kernel.
    package var backlog = 1024

    /// Whether clients may have messages compressed (permessage-deflate, RFC 7692).
    package var compression = false
    /// Smallest message that is compressed where a client asked for compression, in bytes.
    package var compressionThreshold = 512
    /// Connections at once that may have their events compressed one with the help of the one before
    /// (`contextTakeover=true`): each costs 38 KB, and 10 to 15 µs of a loop for every event.
    package var takeoverConnections = 100

    package init() {}
}

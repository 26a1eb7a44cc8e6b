// SPDX-License-Identifier: Apache-2.0

package import Hub
import NIOCore
import Synchronization
import WebSocket

/// Compression of WebSockets on the server (permessage-deflate, RFC 7692).
///
/// Events are compressed once for all connections, each message independently. A client that requests
/// `/ws?contextTakeover=true` gets context takeover, which compresses events for this connection only, up to a maximum
/// number of connections.
package final class SocketCompression: Sendable {
    /// In the query of an upgrade request.
    static let takeoverParameter = "contextTakeover=true"
    /// Minimum size of events compressed with context takeover, in bytes: even short ones shrink to a fifth.
    private static let takeoverThreshold = 64

    /// Negotiated parameters of one connection.
    struct Agreement {
        /// The value of `Sec-WebSocket-Extensions`.
        let response: String
        let compression: Compression
        /// Released when the connection closes; nil without context takeover.
        let permit: TakeoverPermit?
    }

    /// A slot for one connection with context takeover.
    final class TakeoverPermit: Sendable {
        private let owner: SocketCompression

        fileprivate init(_ owner: SocketCompression) {
            self.owner = owner
        }

        deinit {
            self.owner.takeovers.withLock { $0 -= 1 }
        }
    }

    private let sizes: Deflation.Sizes
    private let takeoverLimit: Int
    private let takeovers = Mutex(0)
    private let pool = DeflatePool()

    /// Nil if compression is disabled.
    package init?(_ configuration: EdgeConfiguration) {
        guard configuration.compression else { return nil }
        self.sizes = Deflation.Sizes(least: configuration.compressionThreshold)
        self.takeoverLimit = configuration.takeoverConnections
    }

    /// Number of compressed messages.
    package var compressions: Int {
        self.pool.compressions
    }

    /// Number of connections with context takeover.
    package var takeoverCount: Int {
        self.takeovers.withLock { $0 }
    }

    // MARK: - Negotiation

    /// Nil if no offer of the request is acceptable; the connection then works without compression.
    func agreement(on request: Request) -> Agreement? {
        let asksForTakeover = request.query?.split(separator: "&").contains { $0 == Self.takeoverParameter } ?? false
        let permit = asksForTakeover ? self.takePermit() : nil
        let policy = DeflatePolicy(
            serverTakeover: permit != nil,
            // Shared frames need the full window.
            leastServerWindow: Deflation.usualWindow
        )
        guard let answer = policy.answer(request.extensions) else { return nil }
        let keepsHistory = !answer.serverNoContextTakeover
        let sizes = keepsHistory ? Deflation.Sizes(least: Self.takeoverThreshold) : self.sizes
        return Agreement(
            response: answer.element,
            compression: Compression(answer, side: .server, pool: self.pool, sizes: sizes),
            permit: keepsHistory ? permit : nil
        )
    }

    private func takePermit() -> TakeoverPermit? {
        let isFree = self.takeovers.withLock { count in
            guard count < self.takeoverLimit else { return false }
            count += 1
            return true
        }
        return isFree ? TakeoverPermit(self) : nil
    }

    // MARK: - Shared frames

    /// Compresses frames for all connections without context takeover.
    fileprivate func compress(_ frames: ByteBuffer) -> (frames: ByteBuffer, ends: [Int])? {
        var deflation = Deflation(
            pool: self.pool,
            sizes: self.sizes,
            keepsHistory: false,
            windowBits: Deflation.usualWindow
        )
        return deflation.compress(frames: frames)
    }
}

extension Framing {
    /// Frames messages as text frames of a server.
    /// - Parameter compression: The listener's compression.
    package static func webSocket(compression: SocketCompression? = nil) -> Framing {
        var compress: Framing.Compress?
        if let compression {
            compress = { frames in compression.compress(frames) }
        }
        return Framing(compress: compress) { length, frame in
            FrameHeader(.text, payloadLength: length).write(to: &frame)
        }
    }
}

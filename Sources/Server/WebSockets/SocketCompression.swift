// SPDX-License-Identifier: Apache-2.0

package import Hub
import NIOCore
import Synchronization
import WebSocket

/// The compression of a server's WebSockets (permessage-deflate, RFC 7692).
///
/// Events are compressed once for all connections, each message by itself. A client that asks for
/// `/ws?contextTakeover=true` gets events compressed for it alone, with the help of those before, as long as few enough
/// do.
package final class SocketCompression: Sendable {
    /// In the query of an upgrade request.
    static let takeoverParameter = "contextTakeover=true"
    /// Smallest event that is compressed with the help of those before, in bytes: even short ones then shrink to a
    /// fifth.
    private static let takeoverThreshold = 64

    /// What one connection has agreed on.
    struct Agreement {
        /// The value of `Sec-WebSocket-Extensions`.
        let response: String
        let compression: Compression
        /// Given back when the connection is gone; nil where events are compressed for all at once.
        let permit: TakeoverPermit?
    }

    /// One of the connections that have their events compressed for them alone.
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

    /// Nil where the operator has not switched compression on.
    package init?(_ configuration: EdgeConfiguration) {
        guard configuration.compression else { return nil }
        self.sizes = Deflation.Sizes(least: configuration.compressionThreshold)
        self.takeoverLimit = configuration.takeoverConnections
    }

    /// How many messages were compressed.
    package var compressions: Int {
        self.pool.compressions
    }

    /// How many connections have their events compressed for them alone.
    package var takeoverCount: Int {
        self.takeovers.withLock { $0 }
    }

    // MARK: - Negotiation

    /// Nil where the request offers nothing that can be met: the connection then goes on without compression.
    func agreement(on request: Request) -> Agreement? {
        let asksForTakeover = request.query?.split(separator: "&").contains { $0 == Self.takeoverParameter } ?? false
        let permit = asksForTakeover ? self.takePermit() : nil
        let policy = DeflatePolicy(
            serverTakeover: permit != nil,
            // A smaller window does not fit the frames that all connections share.
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

    // MARK: - What all connections share

    /// Compresses frames for every connection that keeps no history.
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
    /// Messages as text frames of a server.
    /// - Parameter compression: The one that the listener has.
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

// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Lends zlib's streams to connections for the length of a message, so that idle connections hold none.
///
/// One for all connections of a server: a message is worth two short locks.
package final class DeflatePool: Sendable {
    /// A compressor on loan, or owned by a connection that keeps its history.
    final class PooledDeflater: Sendable {
        let windowBits: Int
        private let stream: Mutex<Deflater>

        init?(windowBits: Int) {
            guard let stream = Deflater(windowBits: windowBits) else { return nil }
            self.windowBits = windowBits
            self.stream = Mutex(stream)
        }

        /// See ``Deflater/compress(_:)``.
        func compress(_ message: ByteBuffer) -> ByteBuffer? {
            stream.withLock { $0.compress(message) }
        }

        func reset() {
            stream.withLock { $0.reset() }
        }
    }

    /// A decompressor on loan, or owned by a connection that keeps its history.
    final class PooledInflater: Sendable {
        private let stream: Mutex<Inflater>

        init?(windowBits: Int) {
            guard let stream = Inflater(windowBits: windowBits) else { return nil }
            self.stream = Mutex(stream)
        }

        /// Appends to `output`; see ``Inflater/inflate(_:into:limit:)``.
        func inflate(_ bytes: ByteBuffer, into output: inout ByteBuffer, limit: Int) throws(Inflater.Fault) {
            try stream.withLock { stream throws(Inflater.Fault) in
                try stream.inflate(bytes, into: &output, limit: limit)
            }
        }

        var isAtBlockBoundary: Bool {
            stream.withLock { $0.isAtBlockBoundary }
        }

        func reset() {
            stream.withLock { $0.reset() }
        }
    }

    private struct Idle {
        var deflaters: [PooledDeflater] = []
        var inflaters: [PooledInflater] = []
    }

    /// Streams of each kind kept while nobody needs them.
    private let idleLimit: Int
    private let idle = Mutex(Idle())
    private let compressed = Atomic<Int>(0)

    /// Creates a pool.
    /// - Parameter idleLimit: Streams of each kind kept while nobody needs them; as many as messages are compressed at
    ///   once, which is the number of event loops.
    package init(idleLimit: Int = 16) {
        self.idleLimit = idleLimit
    }

    /// How many streams nobody needs at the moment.
    struct IdleCount: Equatable {
        let deflaters: Int
        let inflaters: Int
    }

    var idleCount: IdleCount {
        idle.withLock { IdleCount(deflaters: $0.deflaters.count, inflaters: $0.inflaters.count) }
    }

    /// How many messages were compressed with streams of this pool.
    package var compressions: Int {
        compressed.load(ordering: .relaxed)
    }

    func countCompression() {
        compressed.wrappingAdd(1, ordering: .relaxed)
    }

    /// Lends a compressor without history, `nil` where memory is short.
    func deflater(windowBits: Int) -> PooledDeflater? {
        let known = idle.withLock { idle in
            idle.deflaters.lastIndex { $0.windowBits == windowBits }.map { idle.deflaters.remove(at: $0) }
        }
        return known ?? PooledDeflater(windowBits: windowBits)
    }

    /// Returns a compressor to the pool.
    func take(_ deflater: PooledDeflater) {
        deflater.reset()
        idle.withLock { idle in
            if idle.deflaters.count >= idleLimit { idle.deflaters.removeFirst() }
            idle.deflaters.append(deflater)
        }
    }

    /// Lends a decompressor without history and with the largest window, which reads whatever smaller ones wrote;
    /// `nil` where memory is short.
    func inflater() -> PooledInflater? {
        idle.withLock { $0.inflaters.popLast() } ?? PooledInflater(windowBits: DeflateParameters.largestWindow)
    }

    /// Returns a decompressor to the pool.
    func take(_ inflater: PooledInflater) {
        inflater.reset()
        idle.withLock { idle in
            if idle.inflaters.count < idleLimit { idle.inflaters.append(inflater) }
        }
    }
}

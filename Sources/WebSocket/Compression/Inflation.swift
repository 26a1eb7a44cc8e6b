// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Decompresses what the peer sends.
///
/// A copy shares the history with its original where there is one, so keep one only.
package struct Inflation: Sendable {
    private static let tail = ByteBuffer(bytes: Deflater.tail)

    private let pool: DeflatePool
    /// The peer's window where it keeps its history, in bits.
    private let ownWindow: Int?
    /// Held during a compressed message; for good if the peer keeps history, from the first on.
    private var inflater: DeflatePool.PooledInflater?

    /// Creates the receiving side of a connection.
    /// - Parameter windowBits: The peer's.
    package init(pool: DeflatePool, keepsHistory: Bool, windowBits: Int) {
        self.pool = pool
        // Not 8: zlib writes windows of 9 bits where 8 are asked for.
        ownWindow = keepsHistory ? max(9, windowBits) : nil
    }

    /// Takes the next bytes of a message and appends what comes out to `message`, up to `limit` bytes in all.
    mutating func receive(_ bytes: ByteBuffer, into message: inout ByteBuffer, limit: Int) throws(Violation) {
        guard let inflater = self.inflater ?? makeInflater() else { throw .decompressorMissing }
        self.inflater = inflater
        do throws(Inflater.Fault) {
            try inflater.inflate(bytes, into: &message, limit: limit)
        } catch {
            switch error {
            case .corrupt: throw .compressedDataInvalid
            case .tooLarge: throw .messageTooLarge(bytes: message.readableBytes, limit: limit)
            }
        }
    }

    private func makeInflater() -> DeflatePool.PooledInflater? {
        ownWindow.map { DeflatePool.PooledInflater(windowBits: $0) } ?? pool.inflater()
    }

    /// Takes the end of a message; see ``receive(_:into:limit:)``.
    mutating func receiveEnd(into message: inout ByteBuffer, limit: Int) throws(Violation) {
        try receive(Self.tail, into: &message, limit: limit)
        guard inflater?.isAtBlockBoundary == true else { throw .compressedDataInvalid }
        if ownWindow == nil { reset() }
    }

    /// Forgets the message under way and the history.
    mutating func reset() {
        if ownWindow == nil, let inflater { pool.take(inflater) }
        inflater = nil
    }
}

// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Compresses what one side sends.
///
/// A copy shares the history with its original where there is one, so keep one only.
package struct Deflation: Sendable {
    /// Which messages are worth compressing, by their size in bytes; the others go as they are, which is always allowed
    /// (RFC 7692 §6).
    package struct Sizes: Sendable, Hashable {
        /// Smallest.
        package var least: Int
        /// Largest: compressing takes a loop about 30 µs for each KB.
        package var most: Int

        /// Creates a range of sizes.
        package init(least: Int, most: Int = 64 * 1024) {
            self.least = least
            self.most = most
        }

        fileprivate func include(_ size: Int) -> Bool {
            // An empty message would become longer, and zlib does not flush twice.
            size >= max(1, least) && size <= most
        }
    }

    /// Window of the compressor where more is allowed, in bits.
    ///
    /// Messages are small: a window of 32 KB saves 2 to 4 % more of recorded traffic with history, nothing without, and
    /// takes eight times the memory.
    package static let usualWindow = 12

    private let pool: DeflatePool
    private let sizes: Sizes
    private let keepsHistory: Bool
    /// Nil where zlib has no window as small as agreed on: then nothing is compressed.
    private let windowBits: Int?
    /// Ours for good if we keep history, from the first message on.
    private var deflater: DeflatePool.PooledDeflater?

    /// Creates the sending side of a connection.
    package init(pool: DeflatePool, sizes: Sizes, keepsHistory: Bool, windowBits: Int) {
        self.pool = pool
        self.sizes = sizes
        self.keepsHistory = keepsHistory
        self.windowBits = windowBits < 9 ? nil : min(windowBits, Self.usualWindow)
    }

    /// Returns the payload of a compressed message, `nil` where it is to be sent as it is.
    package mutating func compress(_ message: ByteBuffer) -> ByteBuffer? {
        guard let windowBits, sizes.include(message.readableBytes) else { return nil }
        guard let deflater = self.deflater ?? pool.deflater(windowBits: windowBits) else { return nil }
        pool.countCompression()
        let compressed = deflater.compress(message)
        if keepsHistory {
            self.deflater = deflater
            // The peer sees none of what went wrong, so both start over: an empty history is a valid one.
            if compressed == nil { deflater.reset() }
            return compressed
        }
        pool.take(deflater)
        guard let compressed, compressed.readableBytes < message.readableBytes else { return nil }
        return compressed
    }

    /// Compresses the messages among a server's unfragmented frames, each into a frame of its own.
    ///
    /// Frames of other kinds, and messages that are compressed already, stay as they are.
    ///
    /// - Returns: The frames and where each of them ends; `nil` where nothing became smaller, or the bytes are not whole
    ///   frames.
    package mutating func compress(frames: ByteBuffer) -> (frames: ByteBuffer, ends: [Int])? {
        let decoder = FrameHeaderDecoder(
            from: .server,
            extensions: Extensions(messageBits: .rsv1),
            maximumPayload: .max
        )
        var rest = frames
        var output = ByteBuffer()
        var ends: [Int] = []
        var isChanged = false
        while rest.readableBytes > 0 {
            let start = rest
            guard let header = (try? decoder.next(from: &rest)).flatMap(\.self),
                let payload = rest.readSlice(length: header.payloadLength)
            else { return isChanged && keepsHistory ? (joined(output, start), ends) : nil }
            if header.isMessage, let compressed = compress(payload) {
                isChanged = true
                Frame.write(compressed: compressed, header.opcode, into: &output)
            } else {
                let length = start.readableBytes - rest.readableBytes
                output.writeImmutableBuffer(start.getSlice(at: start.readerIndex, length: length) ?? ByteBuffer())
            }
            ends.append(output.readableBytes)
        }
        return isChanged ? (output, ends) : nil
    }

    private func joined(_ first: ByteBuffer, _ second: ByteBuffer) -> ByteBuffer {
        var all = first
        all.writeImmutableBuffer(second)
        return all
    }
}

extension FrameHeader {
    /// Whether the frame is a whole message, not compressed yet.
    fileprivate var isMessage: Bool {
        switch opcode {
        case .text, .binary: isFinal && reservedBits.isEmpty
        case .continuation, .close, .ping, .pong: false
        }
    }
}

extension Frame {
    fileprivate static func write(compressed: ByteBuffer, _ opcode: Opcode, into buffer: inout ByteBuffer) {
        write(
            FrameHeader(opcode, payloadLength: compressed.readableBytes, reservedBits: .rsv1),
            compressed,
            into: &buffer
        )
    }
}

/// Why an answer to an offer of permessage-deflate ends the connection (RFC 7692 §7.1).
package enum DeflateFault: Error, Hashable {
    /// The server agreed more than once.
    case repeated
    /// A parameter that is unknown, repeated, or with a value it cannot have.
    case malformed
    /// The server does not give up its history although it was asked to.
    case serverTakeover
    /// The server's window is larger than it was asked to keep it.
    case serverWindow
    /// The server limits a window of ours that was not said to be limitable, or to more than it was limited to.
    case clientWindow
}

extension DeflateFault: CustomStringConvertible {
    /// One line for logs.
    package var description: String {
        switch self {
        case .repeated: "the server agreed to permessage-deflate more than once"
        case .malformed: "a parameter of permessage-deflate is unknown, repeated, or has a value it cannot have"
        case .serverTakeover: "the server did not agree to server_no_context_takeover"
        case .serverWindow: "the server did not agree to server_max_window_bits"
        case .clientWindow: "the server set client_max_window_bits to what was not offered"
        }
    }
}

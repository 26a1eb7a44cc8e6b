// SPDX-License-Identifier: Apache-2.0

import CZlib
import NIOCore

/// One zlib decompressor of raw DEFLATE data.
///
/// Holds up to 44 KB with a window of 15 bits.
@safe struct Inflater: ~Copyable {
    /// Why bytes could not be decompressed.
    enum Fault: Error {
        /// Not DEFLATE data.
        case corrupt
        /// More comes out than is allowed.
        case tooLarge
    }

    /// Most that is made room for at once, in bytes; small so that a short message does not grow a large buffer.
    private static let largestStep = 64 * 1024
    private static let smallestStep = 256

    // On the heap because zlib keeps a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Creates a decompressor, `nil` where memory is short.
    /// - Parameter windowBits: 8 to 15.
    init?(windowBits: Int) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe inflateInit2_(
            stream,
            -CInt(windowBits),
            ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size)
        )
        guard status == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = stream
    }

    deinit {
        // Fails only for a stream that was never set up.
        _ = unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Decompresses the next bytes of a message.
    /// - Parameters:
    ///   - output: What came out is appended to it.
    ///   - limit: How many bytes `output` may hold in all.
    mutating func inflate(_ bytes: ByteBuffer, into output: inout ByteBuffer, limit: Int) throws(Fault) {
        let result = unsafe bytes.withUnsafeReadableBytes { input -> Result<Void, Fault> in
            guard let length = UInt32(exactly: input.count) else { return .failure(.tooLarge) }
            unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            unsafe stream.pointee.avail_in = length
            return self.drain(into: &output, limit: limit)
        }
        unsafe stream.pointee.next_in = nil
        try result.get()
    }

    private func drain(into output: inout ByteBuffer, limit: Int) -> Result<Void, Fault> {
        var isFull = true
        while unsafe isFull || stream.pointee.avail_in > 0 {
            let before = (unsafe stream.pointee.avail_in, output.readableBytes)
            // One byte more than allowed, to distinguish a message that fits from one that does not.
            let room = limit - output.readableBytes + 1
            let wanted = min(max(Self.smallestStep, output.readableBytes), Self.largestStep, room)
            guard wanted > 0 else { return .failure(.tooLarge) }
            switch self.step(into: &output, room: wanted, isFull: &isFull) {
            case Z_OK, Z_BUF_ERROR:
                break
            case Z_STREAM_END:
                // The block was marked as the last. More may follow, and may refer to what came before
                // (RFC 7692 §7.2.3.4).
                guard unsafe inflateResetKeep(stream) == Z_OK else { return .failure(.corrupt) }
            default:
                return .failure(.corrupt)
            }
            guard output.readableBytes <= limit else { return .failure(.tooLarge) }
            if unsafe !isFull && before == (stream.pointee.avail_in, output.readableBytes) { break }
        }
        return unsafe stream.pointee.avail_in == 0 ? .success(()) : .failure(.corrupt)
    }

    private func step(into output: inout ByteBuffer, room: Int, isFull: inout Bool) -> CInt {
        var status = Z_OK
        unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { bytes in
            unsafe stream.pointee.next_out = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = UInt32(clamping: room)
            status = unsafe CZlib.inflate(stream, Z_SYNC_FLUSH)
            isFull = unsafe stream.pointee.avail_out == 0
            return unsafe room - Int(clamping: stream.pointee.avail_out)
        }
        return status
    }

    /// Whether the bytes so far end with a whole block, as those of a message with its tail do.
    var isAtBlockBoundary: Bool {
        // zlib.h on inflate(): 128 is set right after an end of block, and the low bits count what is left of a byte.
        unsafe stream.pointee.data_type & 128 != 0
    }

    /// Forgets every message before.
    mutating func reset() {
        // Fails only for a stream that was never set up.
        _ = unsafe inflateReset(stream)
    }
}

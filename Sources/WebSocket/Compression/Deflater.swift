// SPDX-License-Identifier: Apache-2.0

import CZlib
import NIOCore

/// One zlib compressor of raw DEFLATE data.
///
/// Holds 38 KB with a window of 12 bits, 10 KB with 9.
@safe struct Deflater: ~Copyable {
    /// What zlib needs for 2^`windowBits` bytes of history: enough hash chains for that many positions.
    private static func memoryLevel(windowBits: Int) -> Int { max(1, windowBits - 7) }
    /// Level 6 saves another 1 to 4 % of recorded events and takes up to half as long again.
    private static let usualLevel = 3
    /// An empty stored block without its header bits: where a sync flush ends, and what messages leave out
    /// (RFC 7692 §7.2.1).
    static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

    // On the heap because zlib keeps a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Creates a compressor, `nil` where memory is short.
    /// - Parameters:
    ///   - windowBits: 9 to 15; zlib cannot do 8.
    ///   - level: 1, which is fast, to 9, which is thorough.
    init?(windowBits: Int, level: Int = usualLevel) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe deflateInit2_(
            stream,
            CInt(level),
            Z_DEFLATED,
            -CInt(windowBits),
            CInt(Self.memoryLevel(windowBits: windowBits)),
            Z_DEFAULT_STRATEGY,
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
        // Says only whether input was left, which is of no interest here.
        _ = unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Returns a message compressed, without the tail; `nil` where zlib fails, after which only ``reset()`` helps.
    mutating func compress(_ message: ByteBuffer) -> ByteBuffer? {
        guard let length = UInt32(exactly: message.readableBytes) else { return nil }
        let bound = Int(clamping: unsafe deflateBound(stream, uLong(length)))
        // A flush that ends just where its output does would be done twice.
        var output = ByteBufferAllocator().buffer(capacity: bound + 16)
        let isDone = unsafe message.withUnsafeReadableBytes { input in
            unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            unsafe stream.pointee.avail_in = length
            return self.flush(into: &output)
        }
        unsafe stream.pointee.next_in = nil
        let end = output.writerIndex - Self.tail.count
        guard isDone, output.getBytes(at: end, length: Self.tail.count) == Self.tail else { return nil }
        output.moveWriterIndex(to: end)
        return output
    }

    private func flush(into output: inout ByteBuffer) -> Bool {
        while true {
            var status = Z_OK
            var isFull = false
            unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: 64) { bytes in
                let room = UInt32(clamping: bytes.count)
                unsafe stream.pointee.next_out = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.avail_out = room
                status = unsafe deflate(stream, Z_SYNC_FLUSH)
                isFull = unsafe stream.pointee.avail_out == 0
                return unsafe Int(clamping: room - stream.pointee.avail_out)
            }
            guard status == Z_OK else { return false }
            if !isFull { return true }
        }
    }

    /// Forgets every message before.
    mutating func reset() {
        // Fails only for a stream that was never set up.
        _ = unsafe deflateReset(stream)
    }
}

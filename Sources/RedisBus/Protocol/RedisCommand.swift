// SPDX-License-Identifier: Apache-2.0

import CHiredis
package import NIOCore

/// A command as bytes, formatted by hiredis.
package enum RedisCommand {
    /// Formats a command.
    /// - Parameter payload: One more argument, if any.
    package static func format(_ words: [String], payload: ByteBuffer? = nil) -> ByteBuffer {
        var lengths = words.map(\.utf8.count)
        var joined: [CChar] = []
        joined.reserveCapacity(lengths.reduce(0, +))
        for word in words {
            joined.append(contentsOf: word.utf8.lazy.map { CChar(bitPattern: $0) })
        }
        guard let payload else {
            return unsafe joined.withUnsafeBufferPointer { unsafe Self.format($0, &lengths, payload: nil) }
        }
        lengths.append(payload.readableBytes)
        return unsafe joined.withUnsafeBufferPointer { joined in
            unsafe payload.withUnsafeReadableBytes { payload in
                unsafe Self.format(joined, &lengths, payload: payload)
            }
        }
    }

    private static func format(
        _ joined: UnsafeBufferPointer<CChar>,
        _ lengths: inout [Int],
        payload: UnsafeRawBufferPointer?
    ) -> ByteBuffer {
        var arguments: [UnsafePointer<CChar>?] = unsafe []
        var offset = 0
        for length in lengths.dropLast(unsafe payload == nil ? 0 : 1) {
            unsafe arguments.append(joined.baseAddress.map { unsafe $0 + offset })
            offset += length
        }
        if let payload = unsafe payload {
            unsafe arguments.append(payload.baseAddress?.assumingMemoryBound(to: CChar.self))
        }
        var target: UnsafeMutablePointer<CChar>?
        let count = unsafe redisFormatCommandArgv(&target, Int32(clamping: lengths.count), &arguments, &lengths)
        guard let bytes = unsafe target, count >= 0 else {
            fatalError("there is no memory to format a command for Redis")
        }
        defer { unsafe redisFreeCommand(bytes) }
        return unsafe ByteBuffer(bytes: UnsafeRawBufferPointer(start: bytes, count: Int(clamping: count)))
    }
}

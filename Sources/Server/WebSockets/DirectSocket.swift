// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Sends on a connection's descriptor directly, bypassing NIO, at a third of the cost of a write through the pipeline.
///
/// Use it only while NIO has no pending bytes for the connection, or the order would change. Bytes that the kernel does
/// not accept go through NIO, which also handles connection errors.
struct DirectSocket {
    private let descriptor: CInt

    /// Nil if the connection has no descriptor of its own, as in tests.
    init?(_ channel: any Channel) {
        do {
            let handle = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { $0 }
            guard let handle else { return nil }
            self.descriptor = handle
        } catch {
            return nil
        }
    }

    /// Sends as much as the kernel accepts without blocking.
    /// - Returns: The number of bytes; 0 on any error.
    func send(_ bytes: ByteBuffer) -> Int {
        #if canImport(Darwin)
        let flags = MSG_DONTWAIT
        #else
        let flags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)
        #endif
        let sent = unsafe bytes.withUnsafeReadableBytes { pointer in
            #if canImport(Darwin)
            unsafe Darwin.send(self.descriptor, pointer.baseAddress, pointer.count, flags)
            #else
            unsafe Glibc.send(self.descriptor, pointer.baseAddress, pointer.count, flags)
            #endif
        }
        return max(0, sent)
    }
}

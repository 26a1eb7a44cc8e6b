// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Sends on a connection's descriptor past NIO, which costs a third of a write through the pipeline.
///
/// Only to be used while NIO holds no bytes for the connection, or they would be overtaken; what the kernel does not
/// take goes through NIO, which also finds out what is wrong with a broken connection.
struct DirectSocket {
    private let descriptor: CInt

    /// Nil where the connection has no descriptor of its own, as in tests.
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

    /// Sends as much as the kernel takes without waiting.
    /// - Returns: How many bytes; 0 also on any error.
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

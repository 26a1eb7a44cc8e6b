// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// A port of the loopback on which nobody listens, for a program whose log cannot be read to find out.
package enum FreePort {
    package static func take() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }
}

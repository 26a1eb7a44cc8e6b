// SPDX-License-Identifier: Apache-2.0

import Foundation

/// TCP ports of the loopback that nobody listens on.
///
/// Below those that the system gives to outgoing connections, so that a server finds its port free after a restart.
enum RedisFreePorts {
    private static let range = 21_000..<32_000

    /// Two different ports; nil when the draw was bad.
    static func pair() -> (Int, Int)? {
        let (one, two) = (Int.random(in: self.range), Int.random(in: self.range))
        return one != two && Self.isFree(one) && Self.isFree(two) ? (one, two) : nil
    }

    private static func isFree(_ port: Int) -> Bool {
        #if canImport(Darwin)
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #endif
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var isReused: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isReused, socklen_t(MemoryLayout<Int32>.size))
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import JSON
import NIOCore
import Synchronization
import WebSocket

/// Admission control for new connections, based only on their address and the load of the node.
package final class Admission: Sendable {
    /// Limits set by the operator.
    package struct Limits: Sendable {
        /// Maximum number of connections per IPv4 address or IPv6 /64 on this node; nil is unlimited.
        package var connectionsPerAddress: Int?
        /// Maximum number of connections; nil is limited by file descriptors only.
        package var connections: Int?
        /// Proxies whose `X-Forwarded-For` is trusted.
        package var trustedProxies: [NetworkPrefix] = []
        /// Resident memory above which new connections are refused, in bytes; nil is unlimited.
        package var memoryBytes: Int?

        package init() {}
    }

    /// Why a connection is refused.
    enum ConnectionRejection: Equatable {
        case blockedCountry
        case tooManyConnections(limit: Int)
        case outOfMemory
        /// The maximum number of connections is reached.
        case full
        /// There are too few file descriptors.
        case outOfDescriptors
        /// The node is draining, and stops in this many seconds.
        case draining(seconds: Int)
        /// A connection surge; retry after this many seconds.
        case surge(seconds: Int)
    }

    private let limits: Limits
    private let countries: BlockedCountries?
    private let counts = Mutex<[NetworkAddress: Int]>([:])
    private let total = Atomic<Int>(0)
    private let isOutOfMemory = Atomic<Bool>(false)

    package init(_ limits: Limits, countries: BlockedCountries? = nil) {
        self.limits = limits
        self.countries = countries
    }

    /// The peer of a new connection.
    func peer(at address: SocketAddress?, isSecure: Bool) -> Peer {
        let address = address.flatMap { NetworkAddress($0) }
        let isTrusted = address.map { address in self.limits.trustedProxies.contains { $0.contains(address) } }
        return Peer(address: address, isTrustedProxy: isTrusted ?? false, isSecure: isSecure)
    }

    /// Admits a direct connection; its address is counted until the connection closes.
    func enter(_ peer: Peer, until closing: EventLoopFuture<Void>) -> ConnectionRejection? {
        guard !self.isOutOfMemory.load(ordering: .relaxed) else { return .outOfMemory }
        if let limit = self.limits.connections {
            let count = self.total.wrappingAdd(1, ordering: .relaxed).newValue
            closing.whenComplete { _ in self.total.wrappingSubtract(1, ordering: .relaxed) }
            guard count <= limit else { return .full }
        }
        // A proxy forwards for many clients, so the limits apply to its requests, not to its own address.
        guard !peer.isTrustedProxy, let address = peer.address else { return nil }
        return self.judge(address) ?? self.count(address, until: closing)
    }

    /// Admits a client behind a trusted proxy, for a connection of its own.
    /// - Parameter forwarded: The values of `X-Forwarded-For`, in order.
    func enter(
        forwardedFor forwarded: [String],
        by peer: Peer,
        until closing: EventLoopFuture<Void>
    ) -> ConnectionRejection? {
        guard let address = self.client(forwarded, by: peer) else { return nil }
        return self.judge(address) ?? self.count(address, until: closing)
    }

    /// Checks one request of a client behind a trusted proxy.
    func judge(forwardedFor forwarded: [String], by peer: Peer) -> ConnectionRejection? {
        self.client(forwarded, by: peer).flatMap(self.judge)
    }

    /// The client behind a trusted proxy: the last address that is not a trusted proxy's. Addresses before it come from
    /// an untrusted client.
    /// - Returns: Nil if it is the proxy itself, or if the value is invalid.
    func client(_ forwarded: [String], by peer: Peer) -> NetworkAddress? {
        guard peer.isTrustedProxy else { return nil }
        for element in forwarded.joined(separator: ",").parts(between: ",").reversed() where !element.utf8.isEmpty {
            guard let address = Self.address(element) else { return nil }
            guard self.limits.trustedProxies.contains(where: { $0.contains(address) }) else { return address }
        }
        return nil
    }

    /// Some proxies add a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
    private static func address(_ element: Substring) -> NetworkAddress? {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let text = Substring(element.utf8.drop(while: isBlank).prefix { !isBlank($0) })
        if let behind = text.rest(after: "[") {
            return NetworkAddress(behind.split(atFirst: "]")?.before ?? behind)
        }
        let parts = text.parts(between: ":")
        return NetworkAddress(parts.count == 2 ? parts[0] : text)
    }

    private func judge(_ address: NetworkAddress) -> ConnectionRejection? {
        self.countries?.blocks(address) ?? false ? .blockedCountry : nil
    }

    private func count(_ address: NetworkAddress, until closing: EventLoopFuture<Void>) -> ConnectionRejection? {
        guard let limit = self.limits.connectionsPerAddress else { return nil }
        let site = address.site
        let isCounted = self.counts.withLock { counts in
            guard counts[site, default: 0] < limit else { return false }
            counts[site, default: 0] += 1
            return true
        }
        guard isCounted else { return .tooManyConnections(limit: limit) }
        closing.whenComplete { _ in
            self.counts.withLock { counts in
                guard let count = counts[site] else { return }
                counts[site] = count > 1 ? count - 1 : nil
            }
        }
        return nil
    }

    // MARK: - Memory

    /// Whether a memory limit is set.
    var limitsMemory: Bool { self.limits.memoryBytes != nil }

    /// Updates the memory usage of the process; called a few times a second.
    func lookAtMemory(_ resident: Int?) {
        guard let limit = self.limits.memoryBytes, let resident else { return }
        self.isOutOfMemory.store(resident > limit, ordering: .relaxed)
    }
}

extension Admission.ConnectionRejection {
    /// `Retry-After` of refused connections, in seconds: other connections have to end first.
    private static let retryAfter = 5

    var status: HTTPResponse.Status {
        switch self {
        case .blockedCountry: .forbidden
        case .tooManyConnections: .tooManyRequests
        case .outOfMemory, .full, .outOfDescriptors, .draining, .surge: .serviceUnavailable
        }
    }

    /// The complete response, after which the connection closes.
    var response: ByteBuffer { RequestFault.turnedAway(self).response }

    var reason: String {
        switch self {
        case .blockedCountry: "not available in your country"
        case .tooManyConnections(let limit): "more than \(limit) connections from your address"
        case .outOfMemory, .full, .outOfDescriptors: "the hub accepts no more connections now; try again later"
        case .draining: "this node is draining; connect to another node"
        case .surge: "too many new connections; try again later"
        }
    }

    /// In seconds.
    var retryAfter: Int? {
        switch self {
        case .blockedCountry: nil
        case .tooManyConnections, .outOfMemory, .full, .outOfDescriptors: Self.retryAfter
        case .draining(let seconds), .surge(let seconds): seconds
        }
    }
}

extension Admission.ConnectionRejection {
    /// Maximum jitter of `Retry-After`, in seconds, so that clients do not all return at the same time.
    private static let spread = 3

    init?(_ rejection: Hub.Rejection?) {
        switch rejection {
        case nil: return nil
        case .draining(let left): self = .draining(seconds: left.wholeSeconds + 1)
        case .surge(let wait):
            let seconds = Int(wait.nanoseconds / 1_000_000_000)
            self = .surge(seconds: seconds + Int.random(in: 1...Self.spread))
        }
    }
}

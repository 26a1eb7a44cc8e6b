// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hub
import JSON
import NIOCore
import Synchronization
import WebSocket

/// Decides who may connect, before anything is known of them but their address.
package final class Admission: Sendable {
    /// What an operator decides.
    package struct Limits: Sendable {
        /// Connections at once from one address, of version 6 from one /64; nil is any number. Of this node.
        package var connectionsPerAddress: Int?
        /// Connections at once; nil is as many as there are descriptors for.
        package var connections: Int?
        /// Who may name the address of others in `X-Forwarded-For`.
        package var trustedProxies: [NetworkPrefix] = []
        /// Memory of the process above which nobody new is taken in, in bytes; nil is as much as there is.
        package var memoryBytes: Int?

        package init() {}
    }

    /// Why somebody is turned away.
    enum Turndown: Equatable {
        case blockedCountry
        case tooManyConnections(limit: Int)
        case outOfMemory
        /// There are as many connections as there may be.
        case full
        /// There are too few file descriptors.
        case outOfDescriptors
        /// The node leaves, and is gone in so many seconds.
        case draining(seconds: Int)
        /// Too many come at once; so many seconds later there may be room.
        case storm(seconds: Int)
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

    /// Who connects.
    func peer(at address: SocketAddress?, isSecure: Bool) -> Peer {
        let address = address.flatMap { NetworkAddress($0) }
        let isTrusted = address.map { address in self.limits.trustedProxies.contains { $0.contains(address) } }
        return Peer(address: address, isTrustedProxy: isTrusted ?? false, isSecure: isSecure)
    }

    /// Takes a connection in that comes from whom it is for; its address is counted until the connection closes.
    func enter(_ peer: Peer, until closing: EventLoopFuture<Void>) -> Turndown? {
        guard !self.isOutOfMemory.load(ordering: .relaxed) else { return .outOfMemory }
        if let limit = self.limits.connections {
            let count = self.total.wrappingAdd(1, ordering: .relaxed).newValue
            closing.whenComplete { _ in self.total.wrappingSubtract(1, ordering: .relaxed) }
            guard count <= limit else { return .full }
        }
        // A proxy's address says nothing about those it speaks for: they are judged by their requests.
        guard !peer.isTrustedProxy, let address = peer.address else { return nil }
        return self.judge(address) ?? self.count(address, until: closing)
    }

    /// Takes somebody in whom a trusted proxy speaks for, for one connection that is theirs alone.
    /// - Parameter forwarded: The values of `X-Forwarded-For`, in order.
    func enter(
        forwardedFor forwarded: [String],
        by peer: Peer,
        until closing: EventLoopFuture<Void>
    ) -> Turndown? {
        guard let address = self.client(forwarded, by: peer) else { return nil }
        return self.judge(address) ?? self.count(address, until: closing)
    }

    /// Judges one request of somebody whom a trusted proxy speaks for.
    func judge(forwardedFor forwarded: [String], by peer: Peer) -> Turndown? {
        self.client(forwarded, by: peer).flatMap(self.judge)
    }

    /// Whom a trusted proxy speaks for: the last address that is not a trusted proxy's. What stands before it was said
    /// by somebody who is not to be trusted.
    /// - Returns: Nil where it is the proxy itself, or nothing that can be read.
    func client(_ forwarded: [String], by peer: Peer) -> NetworkAddress? {
        guard peer.isTrustedProxy else { return nil }
        for element in forwarded.joined(separator: ",").parts(between: ",").reversed() where !element.utf8.isEmpty {
            guard let address = Self.address(element) else { return nil }
            guard self.limits.trustedProxies.contains(where: { $0.contains(address) }) else { return address }
        }
        return nil
    }

    /// Some proxies write a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
    private static func address(_ element: Substring) -> NetworkAddress? {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let text = Substring(element.utf8.drop(while: isBlank).prefix { !isBlank($0) })
        if let behind = text.rest(after: "[") {
            return NetworkAddress(behind.split(atFirst: "]")?.before ?? behind)
        }
        let parts = text.parts(between: ":")
        return NetworkAddress(parts.count == 2 ? parts[0] : text)
    }

    private func judge(_ address: NetworkAddress) -> Turndown? {
        self.countries?.blocks(address) ?? false ? .blockedCountry : nil
    }

    private func count(_ address: NetworkAddress, until closing: EventLoopFuture<Void>) -> Turndown? {
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

    /// Whether somebody looks after the memory.
    var limitsMemory: Bool { self.limits.memoryBytes != nil }

    /// Looks at how much memory the process has; called a few times a second.
    func lookAtMemory(_ resident: Int?) {
        guard let limit = self.limits.memoryBytes, let resident else { return }
        self.isOutOfMemory.store(resident > limit, ordering: .relaxed)
    }
}

extension Admission.Turndown {
    /// How long those who are turned away are asked to stay away, in seconds: other connections have to end first.
    private static let retryAfter = 5

    var status: HTTPResponse.Status {
        switch self {
        case .blockedCountry: .forbidden
        case .tooManyConnections: .tooManyRequests
        case .outOfMemory, .full, .outOfDescriptors, .draining, .storm: .serviceUnavailable
        }
    }

    /// The whole answer, after which the connection ends.
    var response: ByteBuffer { RequestFault.turnedAway(self).response }

    var reason: String {
        switch self {
        case .blockedCountry: "not available in your country"
        case .tooManyConnections(let limit): "more than \(limit) connections from your address"
        case .outOfMemory, .full, .outOfDescriptors: "the hub takes no more connections now; try again later"
        case .draining: "this node is about to leave; connect again, to another one"
        case .storm: "too many connect at once; try again later"
        }
    }

    /// In seconds.
    var retryAfter: Int? {
        switch self {
        case .blockedCountry: nil
        case .tooManyConnections, .outOfMemory, .full, .outOfDescriptors: Self.retryAfter
        case .draining(let seconds), .storm(let seconds): seconds
        }
    }
}

extension Admission.Turndown {
    /// Longest time by which the return of those is spread who come at the same time, in seconds.
    private static let spread = 3

    init?(_ unwelcome: Hub.Unwelcome?) {
        switch unwelcome {
        case nil: return nil
        case .draining(let left): self = .draining(seconds: left.wholeSeconds + 1)
        case .storm(let wait):
            let seconds = Int(wait.nanoseconds / 1_000_000_000)
            self = .storm(seconds: seconds + Int.random(in: 1...Self.spread))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
package import Logging
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Tracks how close this process is to its file descriptor limit.
///
/// Client connections stay ``reserve`` below the limit, which leaves descriptors for the database, Redis, sources and
/// the admin port. No counting is needed: the kernel assigns the lowest free number, so all numbers below a new
/// descriptor are in use.
package final class Descriptors: Sendable {
    /// How much of the reserve is in use.
    enum Shortage: Int, Comparable {
        case none
        /// Clients are refused with 503 after their first byte.
        case first
        /// Clients are refused with 503 immediately.
        case second
        /// Clients are refused without a response. The admin port still accepts connections.
        case third
        /// The remaining descriptors are for the hub itself.
        case last

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Maximum that the limit is raised to: enough for any hub, without wasting kernel memory.
    private static let most = 1 << 20
    /// The reserve as a fraction of the limit, and its bounds.
    private static let part = 8
    private static let reserves = 16...128
    /// Limit that is assumed if the system does not report one.
    private static let usual = 1_024

    package let limit: Int
    package let reserve: Int
    private let logger: Logger
    private let refused = Atomic<Int>(0)
    /// A spare descriptor, which is released so that a connection can be accepted and refused; -1 if there is none.
    private let spare: Mutex<Int32>
    private let lines = Mutex(LogThrottle())

    /// - Parameter limit: The current limit of the process.
    package init(limit: Int, logger: Logger) {
        self.limit = limit
        self.reserve = Self.reserve(of: limit)
        self.logger = logger
        self.spare = Mutex(Self.openSpare())
    }

    deinit {
        self.spare.withLock { _ = $0 >= 0 ? close($0) : 0 }
    }

    static func reserve(of limit: Int) -> Int {
        min(Self.reserves.upperBound, max(Self.reserves.lowerBound, limit / Self.part))
    }

    /// Connections refused, with 503 or without a response, because of too few descriptors.
    package var refusals: Int { self.refused.load(ordering: .relaxed) }

    // MARK: - The limit

    /// Raises the limit of this process as far as the system allows.
    /// - Returns: The new limit.
    package static func raiseLimit() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(Self.resource, &limit) == 0 else { return Self.usual }
        let wanted = min(limit.rlim_max, rlim_t(Self.most))
        if limit.rlim_cur < wanted {
            var raised = limit
            raised.rlim_cur = wanted
            if unsafe setrlimit(Self.resource, &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    #if canImport(Darwin)
    private static let resource = RLIMIT_NOFILE
    #else
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif

    // MARK: - Shortage

    /// Evaluated for every connection.
    var shortage: Shortage {
        Self.shortage(lowestFree: self.lowestFree, limit: self.limit, reserve: self.reserve)
    }

    /// - Parameter lowestFree: Nil if there is none.
    static func shortage(lowestFree: Int?, limit: Int, reserve: Int) -> Shortage {
        guard let lowestFree else { return .last }
        let taken = lowestFree - (limit - reserve)
        return taken < 0 ? .none : Shortage(rawValue: 1 + taken * 4 / max(1, reserve)) ?? .last
    }

    private var lowestFree: Int? {
        self.spare.withLock { spare in
            if spare < 0 { spare = Self.openSpare() }
            guard spare >= 0 else { return nil }
            let free = fcntl(spare, F_DUPFD_CLOEXEC, 0)
            guard free >= 0 else { return nil }
            close(free)
            return Int(clamping: free)
        }
    }

    private static func openSpare() -> Int32 {
        unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    // MARK: - Exhaustion

    /// Releases the spare descriptor, so that one connection can be accepted and refused with 503.
    /// - Returns: False if it has been released already.
    func giveUpSpare() -> Bool {
        self.spare.withLock { spare in
            guard spare >= 0 else { return false }
            close(spare)
            spare = -1
            return true
        }
    }

    /// Counts a connection refused because of too few descriptors; logged periodically.
    func refusing() {
        self.refused.wrappingAdd(1, ordering: .relaxed)
        guard let count = self.lines.withLock({ $0.happened(at: .now) }) else { return }
        self.logger.error(
            "too few file descriptors: new connections are refused",
            metadata: ["refused": "\(count)", "limit": "\(self.limit)", "reserve": "\(self.reserve)"]
        )
    }
}

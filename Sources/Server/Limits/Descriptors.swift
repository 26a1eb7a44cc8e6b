// SPDX-License-Identifier: Apache-2.0

import EventLog
package import Logging
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The file descriptors of this process, and how near to their limit it is.
///
/// Connections of clients stay ``reserve`` below the limit, so that the database, Redis, sources and the admin port get
/// what they need. Nobody is counted for that: the kernel gives the lowest number that is free, so the number of a new
/// descriptor tells that all below it are taken.
package final class Descriptors: Sendable {
    /// How much of the reserve is taken.
    enum Shortage: Int, Comparable {
        case none
        /// Clients are told that there is no room, when they have said something.
        case first
        /// Clients are told at once.
        case second
        /// Clients are not told any more. The admin port still has room.
        case third
        /// What is left is for the hub itself.
        case last

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Most that the limit is raised to: enough for every hub, and no more to be kept by the kernel.
    private static let most = 1 << 20
    /// Of the limit, and the least and most that are kept back.
    private static let part = 8
    private static let reserves = 16...128
    /// What is taken where the system does not tell.
    private static let usual = 1_024

    package let limit: Int
    package let reserve: Int
    private let logger: Logger
    private let refused = Atomic<Int>(0)
    /// A descriptor that is only there to be given up, where a connection has to be taken to be refused; -1 without.
    private let spare: Mutex<Int32>
    private let lines = Mutex(SparseLog())

    /// - Parameter limit: Of the process, as it is now.
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

    /// Connections that were answered with 503, or not at all, because there were too few.
    package var refusals: Int { self.refused.load(ordering: .relaxed) }

    // MARK: - The limit

    /// Raises the limit of this process as far as the system allows.
    /// - Returns: The limit that holds.
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

    // MARK: - How near it is

    /// Asked for every connection.
    var shortage: Shortage {
        Self.shortage(lowestFree: self.lowestFree, limit: self.limit, reserve: self.reserve)
    }

    /// - Parameter lowestFree: Nil when there is none.
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

    // MARK: - Without any

    /// Gives the spare descriptor up, so that one connection can be taken and told.
    /// - Returns: False where it was given up already.
    func giveUpSpare() -> Bool {
        self.spare.withLock { spare in
            guard spare >= 0 else { return false }
            close(spare)
            spare = -1
            return true
        }
    }

    /// Somebody was refused for want of descriptors. Told of now and then.
    func refusing() {
        self.refused.wrappingAdd(1, ordering: .relaxed)
        guard let count = self.lines.withLock({ $0.happened(at: .now) }) else { return }
        self.logger.error(
            "too few file descriptors: new connections are refused",
            metadata: ["refused": "\(count)", "limit": "\(self.limit)", "reserve": "\(self.reserve)"]
        )
    }
}

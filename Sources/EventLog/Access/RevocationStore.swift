// SPDX-License-Identifier: Apache-2.0

/// Stores revocations next to the log, so that they survive restarts and reach every node.
///
/// For implementers: each change gets a number greater than those of all changes committed before, and no change
/// becomes visible after one with a greater number. One entry is kept per target.
package protocol RevocationStore: Sendable {
    /// Whether other processes write to the store.
    var areRevocationsShared: Bool { get }

    /// Stores revocations. Each replaces an earlier one of the same target.
    func revoke(_ revocations: [Revocation]) async throws(TapeFault)

    /// Removes a revocation.
    /// - Returns: Whether there was one.
    func lift(_ target: Revocation.Target, at time: Timestamp) async throws(TapeFault) -> Bool

    /// The changes after a number, in order; 0 returns everything.
    func revocationChanges(after number: Int, limit: Int) async throws(TapeFault) -> [RevocationChange]

    /// Deletes revocations that ended before a time, and lifted ones whose lift is older than
    /// ``RevocationChange/liftedKept`` at that time.
    func forgetRevocations(endedBefore time: Timestamp) async throws(TapeFault)
}

/// A revocation, or the lifting of one.
package struct RevocationChange: Sendable, Equatable {
    /// How long a lifted revocation is kept, for nodes that are cut off from the database.
    package static let liftedKept: Duration = .seconds(7 * 86_400)

    package var number: Int
    package var revocation: Revocation
    package var isLifted: Bool

    package init(number: Int, revocation: Revocation, isLifted: Bool) {
        self.number = number
        self.revocation = revocation
        self.isLifted = isLifted
    }
}

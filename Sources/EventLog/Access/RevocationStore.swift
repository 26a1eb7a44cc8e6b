// SPDX-License-Identifier: Apache-2.0

/// Where revocations are kept: beside the log, so that they outlive the process and reach every node.
///
/// For implementers: each change of a target gets a number greater than those of all changes that were committed
/// before, and no change becomes visible after one with a greater number. One entry is kept for each target.
package protocol RevocationStore: Sendable {
    /// Whether other processes write to it.
    var areRevocationsShared: Bool { get }

    /// Keeps revocations; one replaces that of the same target.
    func revoke(_ revocations: [Revocation]) async throws(TapeFault)

    /// Takes a revocation back.
    /// - Returns: Whether there was one.
    func lift(_ target: Revocation.Target, at time: Timestamp) async throws(TapeFault) -> Bool

    /// What has changed after a number, in order of the changes; everything there is after 0.
    func revocationChanges(after number: Int, limit: Int) async throws(TapeFault) -> [RevocationChange]

    /// Forgets revocations that ended before a time, and those that were lifted ``RevocationChange/liftedKept`` before
    /// it.
    func forgetRevocations(endedBefore time: Timestamp) async throws(TapeFault)
}

/// A revocation, or its end.
package struct RevocationChange: Sendable, Equatable {
    /// How long the end of a revocation is kept, for nodes that are cut off from the database.
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

// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A mirror node: what answers questions about a Hedera network.
///
/// For implementers: called by one follower, one request at a time. Every request ends within a limit of the
/// implementer's.
package protocol MirrorNode: Sendable {
    /// Which endpoint the next request goes to; another number is another endpoint, whose network has to be checked anew.
    var endpoint: Int { get async }

    /// Asks for a path, query included, which begins with ``MirrorPath/root``.
    func get(_ path: String) async throws(NodeFault) -> MirrorAnswer

    /// The answers of this endpoint were of no use: another one may be better.
    func disappointed() async
}

package enum MirrorAnswer: Sendable {
    /// A JSON object.
    case found(JSON.Value)
    /// The mirror says that there is no such thing (404), in its own words.
    case missing(String)
}

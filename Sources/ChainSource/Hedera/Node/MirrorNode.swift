// SPDX-License-Identifier: Apache-2.0

package import Ingest
package import JSON

/// A mirror node: what answers questions about a Hedera network.
///
/// For implementers: called by one follower, one request at a time, and beside it with short questions to endpoints that
/// are not in use. Every request ends within a limit of the implementer's.
package protocol MirrorNode: Sendable {
    /// The endpoints, which are to be of one network. The follower chooses one for each step and says what came of it.
    var endpoints: EndpointPool { get }

    /// Asks for a path, query included, which begins with ``MirrorPath/root``.
    func get(_ path: String, of endpoint: Int) async throws(NodeFault) -> MirrorAnswer
}

package enum MirrorAnswer: Sendable {
    /// A JSON object.
    case found(JSON.Value)
    /// The mirror says in its own words that there is no such thing, or that it is no name of one (404, 400).
    case missing(String)
}

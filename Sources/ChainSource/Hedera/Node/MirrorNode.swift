// SPDX-License-Identifier: Apache-2.0

package import Ingest
package import JSON

/// A mirror node of a Hedera network.
///
/// For implementers: called by one follower, one request at a time; endpoints that are not in use receive short health
/// checks concurrently. Every request must end within a timeout.
package protocol MirrorNode: Sendable {
    /// The endpoints, all of the same network. The follower chooses one for each step and reports the outcome.
    var endpoints: EndpointPool { get }

    /// Requests a path, including its query. It starts with ``MirrorPath/root``.
    func get(_ path: String, of endpoint: Int) async throws(NodeFault) -> MirrorAnswer
}

package enum MirrorAnswer: Sendable {
    /// A JSON object.
    case found(JSON.Value)
    /// The mirror reports that there is no such entity, or that its name is invalid (404, 400).
    case missing(String)
}

// SPDX-License-Identifier: Apache-2.0

package import Ingest
package import JSON

/// An EVM node that answers JSON-RPC calls.
///
/// For implementers: called by one follower, one batch at a time; endpoints that are not in use receive short health
/// checks concurrently. A batch goes to one endpoint as a whole. Every call must end within a timeout.
package protocol EVMNode: Sendable {
    /// The endpoints, all of the same chain. The follower chooses one for each step and reports the outcome.
    var endpoints: EndpointPool { get }

    /// Sends one batch.
    /// - Returns: One answer per call, in the order of the calls, whatever order the node used.
    func ask(_ calls: [RPCCall], of endpoint: Int) async throws(NodeFault) -> [RPCAnswer]
}

/// A node's answer to one call.
package enum RPCAnswer: Sendable {
    /// JSON `null` when there is no such block.
    case result(JSON.Value)
    case refusal(Refusal)
}

/// Why a batch failed. The texts are for operators.
package enum NodeFault: Error, Sendable, Equatable {
    /// Temporary; retry, but not before the delay that the node requested.
    case again(String, after: Duration? = nil)
    /// Rate limited; retry, but not before the delay that the node requested.
    case slowDown(String, after: Duration? = nil)
    /// The batch as a whole asks for too much at once.
    case tooLarge(String)
    /// This endpoint cannot be used; another one may work. Retry after the delay that the node requested.
    case unfit(EndpointTrouble, String, after: Duration? = nil)
}

// SPDX-License-Identifier: Apache-2.0

package import Ingest
package import JSON

/// A node of a chain: what answers questions about it.
///
/// For implementers: called by one follower, one batch at a time, and beside it with short questions to endpoints that
/// are not in use. A batch goes to one endpoint as a whole. Every call ends within a limit of the implementer's.
package protocol EVMNode: Sendable {
    /// The endpoints, which are to be of one chain. The follower chooses one for each step and says what came of it.
    var endpoints: EndpointPool { get }

    /// Asks one batch.
    /// - Returns: One answer per call, in the order of the calls, whatever order the node had.
    func ask(_ calls: [RPCCall], of endpoint: Int) async throws(NodeFault) -> [RPCAnswer]
}

/// A node's answer to one call.
package enum RPCAnswer: Sendable {
    /// JSON `null` where there is no such block.
    case result(JSON.Value)
    case refusal(Refusal)
}

/// Why nothing came of a batch. The texts are for operators.
package enum NodeFault: Error, Sendable, Equatable {
    /// It may work another time, not before the delay that the node asked for.
    case again(String, after: Duration? = nil)
    /// More is asked of the node than it gives; not before the delay that it asked for.
    case slowDown(String, after: Duration? = nil)
    /// The batch as a whole asks for too much at once.
    case tooLarge(String)
    /// This endpoint does not do; another one may. Not before the delay that it asked for.
    case unfit(EndpointTrouble, String, after: Duration? = nil)
}

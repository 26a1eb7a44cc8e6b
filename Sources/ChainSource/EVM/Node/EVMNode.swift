// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A node of a chain: what answers questions about it.
///
/// For implementers: called by one follower, one batch at a time. A batch goes to one endpoint as a whole. Every call
/// ends within a limit of the implementer's.
package protocol EVMNode: Sendable {
    /// Which endpoint the next batch goes to; another number is another endpoint, whose chain has to be checked anew.
    var endpoint: Int { get async }

    /// Asks one batch.
    /// - Returns: One answer per call, in the order of the calls, whatever order the node had.
    func ask(_ calls: [RPCCall]) async throws(NodeFault) -> [RPCAnswer]

    /// The answers of this endpoint were of no use (they contradict each other, it is behind, it refused): another one
    /// may be better.
    func disappointed() async
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
    /// Trying again will not help.
    case stop(String)
}

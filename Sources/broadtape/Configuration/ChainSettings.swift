// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Ingest

/// A chain to follow, as the configuration file declares it.
struct ChainSettings: Sendable {
    var chain: Chain
    /// URLs of nodes of the chain, the preferred one first.
    var endpoints: [String]
    /// Where new blocks are told of at once, the preferred URL first; none when they are only looked for.
    var webSockets: [String] = []
    var rotation = EndpointRotation.Rules.chain
    var runner = ChainRunner.Limits()
    var owners: [Address: String] = [:]
    var ownersFile: String?
}

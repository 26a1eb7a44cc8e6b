// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Ingest

/// A chain to follow, as declared in the configuration file.
struct ChainSettings: Sendable {
    var chain: Chain
    /// URLs of the chain's nodes, in order of preference.
    var endpoints: [String]
    /// WebSocket URLs for new blocks, in order of preference; empty if the chain is only polled.
    var webSockets: [String] = []
    var rotation = EndpointRotation.Rules.chain
    var runner = ChainRunner.Limits()
    var owners: [Address: String] = [:]
    var ownersFile: String?
}

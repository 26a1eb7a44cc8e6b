// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Ingest

/// A Hedera network to follow through its mirror nodes, as the configuration file declares it.
struct MirrorSettings: Sendable {
    var mirror: Mirror
    /// URLs of mirror nodes of the network, the preferred one first.
    var endpoints: [String]
    var rotation = EndpointRotation.Rules.mirror
    var runner = MirrorRunner.Limits()
    var owners: [Address: String] = [:]
    var ownersFile: String?
}

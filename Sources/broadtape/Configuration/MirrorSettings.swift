// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Ingest

/// A Hedera network to follow through its mirror nodes, as declared in the configuration file.
struct MirrorSettings: Sendable {
    var mirror: Mirror
    /// URLs of the network's mirror nodes, in order of preference.
    var endpoints: [String]
    var rotation = EndpointRotation.Rules.mirror
    var runner = MirrorRunner.Limits()
    var owners: [Address: String] = [:]
    var ownersFile: String?
}

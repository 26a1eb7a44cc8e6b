// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Ingest
import RateSource
import WebSocketClient

/// The sources of events, as declared in the configuration file.
struct SourceSettings: Sendable {
    var chains: [ChainSettings] = []
    var mirrors: [MirrorSettings] = []
    /// Exchanges to read rates from, in order of preference.
    var rates: [Exchange] = []

    init() {}

    /// Reads the declarations of a file.
    init(in file: ConfigurationFile, errors: inout [String]) {
        self.chains = ChainDeclarations.chains(in: file, errors: &errors)
        self.mirrors = ChainDeclarations.mirrors(in: file, errors: &errors)
        self.rates = RateDeclarations.exchanges(in: file, errors: &errors)
    }

    /// The `source` of the events of each.
    var names: [String] {
        self.chains.map(\.chain.source) + self.mirrors.map(\.mirror.source) + self.rates.map(\.source)
    }
}

/// An EVM chain to follow.
struct ChainSettings: Sendable {
    var chain: Chain
    /// URLs of the chain's nodes, in order of preference.
    var endpoints: [String]
    /// WebSockets for new blocks, in order of preference; empty if the chain is only polled.
    var webSockets: [WebSocketURL] = []
    var rotation = EndpointRotation.Rules.chain
    var limits = EVMChainSource.Limits()
    var owners: [Address: String] = [:]
    var ownersFile: String?
}

/// A Hedera network to follow through its mirror nodes.
struct MirrorSettings: Sendable {
    var mirror: Mirror
    /// URLs of the network's mirror nodes, in order of preference.
    var endpoints: [String]
    var rotation = EndpointRotation.Rules.mirror
    var limits = MirrorSource.Limits()
    var owners: [Address: String] = [:]
    var ownersFile: String?
}

// SPDX-License-Identifier: Apache-2.0

package import BroadtapeClient

/// What is put under load, and with what means.
package struct Target: Sendable {
    /// The nodes, at least one: connections are spread over them in turn, and one that is lost goes to the next.
    package var addresses: [HubAddress]
    /// How connections and requests show who they are.
    package var access = Access.anonymous
    /// Event loops for the connections.
    package var loops = 1
    /// Connections being made at once, per loop.
    package var dialLimit = 64
    /// How long an outage of the hub is waited for.
    package var patience = Duration.seconds(60)
    /// The hub's processes, whose time and memory are measured.
    package var processes: [ProcessReference] = []

    /// Creates a target with the defaults.
    package init(_ addresses: [HubAddress]) {
        self.addresses = addresses
    }

    /// The nodes as text.
    var text: String { self.addresses.map(\.description).joined(separator: ",") }

    /// One connector per node.
    func connectors() throws(Ending) -> [Connector] {
        var connectors: [Connector] = []
        for address in self.addresses {
            var connector = try Connector(to: address)
            connector.usesPredictableMasks = true
            connectors.append(connector)
        }
        return connectors
    }
}

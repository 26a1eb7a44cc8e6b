// SPDX-License-Identifier: Apache-2.0

/// A contract as named in the configuration; the name is the key of its events.
package enum ContractName: Sendable, Hashable, CustomStringConvertible {
    case id(EntityID)
    case address(Address)

    /// Parses `0.0.1234` or an address.
    package init?(_ text: String) {
        if let id = EntityID(text) {
            self = .id(id)
        } else if let address = Address(text) {
            self = .address(address)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .id(let id): id.description
        case .address(let address): address.description
        }
    }

    /// Whether a log belongs to this contract. A contract with its own EVM address may also be requested by its
    /// long-zero address; the answer has its own.
    func has(_ log: MirrorLog) -> Bool {
        switch self {
        case .id(let id): log.contract.map { $0 == id } ?? (id.longZero == log.address)
        case .address(let address): address == log.address || log.contract?.longZero == address
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// A contract as the operator names it; its events have this name as their key.
package enum ContractName: Sendable, Hashable, CustomStringConvertible {
    case id(EntityID)
    case address(Address)

    /// Reads `0.0.1234` or an address.
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

    /// Whether a log is of this contract. A contract with an address of its own can be asked for by the one that its
    /// number makes, and is answered with its own.
    func has(_ log: MirrorLog) -> Bool {
        switch self {
        case .id(let id): log.contract.map { $0 == id } ?? (id.longZero == log.address)
        case .address(let address): address == log.address || log.contract?.longZero == address
        }
    }
}

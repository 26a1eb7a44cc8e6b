// SPDX-License-Identifier: Apache-2.0

/// The paths that are asked for.
package enum MirrorPath {
    package static let root = "/api/v1/"
    /// Rows of a page; mirrors give no more whatever is asked for.
    package static let pageRows = 100

    /// The newest block.
    package static let newestBlock = Self.root + "blocks?limit=1&order=desc"

    /// The oldest block that a mirror still has.
    package static let oldestBlock = Self.root + "blocks?limit=1&order=asc"

    package static func block(_ number: Int) -> String {
        Self.root + "blocks/\(number)"
    }

    /// Logs of a contract in their order.
    /// - Parameter end: Where they end, exclusively.
    package static func logs(_ contract: ContractName, from start: ConsensusTime, before end: ConsensusTime?) -> String
    {
        Self.root + "contracts/\(contract)/results/logs?limit=\(Self.pageRows)&order=asc&timestamp=gte:\(start)"
            + (end.map { "&timestamp=lt:\($0)" } ?? "")
    }

    /// Messages of a topic after a sequence number, in their order.
    package static func messages(_ topic: EntityID, after sequence: Int) -> String {
        Self.root + "topics/\(topic)/messages?limit=\(Self.pageRows)&order=asc&sequencenumber=gt:\(sequence)"
    }

    /// The first message of a topic since a time.
    package static func firstMessage(_ topic: EntityID, since start: ConsensusTime) -> String {
        Self.root + "topics/\(topic)/messages?limit=1&order=asc&timestamp=gte:\(start)"
    }

    /// Whether a link is one to follow: a path of the interface on the host that gave it.
    static func isLink(_ path: String) -> Bool {
        path.hasPrefix(Self.root) && path.utf8.count <= 2_048 && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Paths of the mirror node REST API.
package enum MirrorPath {
    package static let root = "/api/v1/"
    /// Rows per page; mirrors return no more than this.
    package static let pageRows = 100

    /// The newest block.
    package static let newestBlock = Self.root + "blocks?limit=1&order=desc"

    /// The oldest block that a mirror still has.
    package static let oldestBlock = Self.root + "blocks?limit=1&order=asc"

    package static func block(_ number: Int) -> String {
        Self.root + "blocks/\(number)"
    }

    /// Logs of a contract, in order.
    /// - Parameter end: Exclusive end.
    package static func logs(_ contract: ContractName, from start: ConsensusTime, before end: ConsensusTime?) -> String
    {
        Self.root + "contracts/\(contract)/results/logs?limit=\(Self.pageRows)&order=asc&timestamp=gte:\(start)"
            + (end.map { "&timestamp=lt:\($0)" } ?? "")
    }

    /// Messages of a topic after a sequence number, in order.
    package static func messages(_ topic: EntityID, after sequence: Int) -> String {
        Self.root + "topics/\(topic)/messages?limit=\(Self.pageRows)&order=asc&sequencenumber=gt:\(sequence)"
    }

    /// The first message of a topic since a consensus time.
    package static func firstMessage(_ topic: EntityID, since start: ConsensusTime) -> String {
        Self.root + "topics/\(topic)/messages?limit=1&order=asc&timestamp=gte:\(start)"
    }

    /// Whether a link may be followed: a path of the API on the same host.
    static func isLink(_ path: String) -> Bool {
        path.hasPrefix(Self.root) && path.utf8.count <= 2_048 && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}

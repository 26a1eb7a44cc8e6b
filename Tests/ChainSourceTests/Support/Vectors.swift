// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON

/// The fixtures made with py-evm and eth-abi.
enum Vectors {
    static func load(_ name: String) throws -> [JSON.Value] {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Vectors/evm-vectors.json")
        let all = try JSON.Value.parse(Array(try Data(contentsOf: url)))
        guard let list = all[name] else { throw Missing(name: name) }
        return Array(list.elements)
    }

    static func signatures() throws -> [(text: String, topic: String)] {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Vectors/evm-vectors.json")
        let all = try JSON.Value.parse(Array(try Data(contentsOf: url)))
        return all["signatures"]?.members.map { ($0.name, $0.value.string ?? "") } ?? []
    }

    struct Missing: Error {
        let name: String
    }
}

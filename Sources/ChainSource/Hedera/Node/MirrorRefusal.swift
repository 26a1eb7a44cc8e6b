// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a mirror's status and body mean.
package enum MirrorRefusal {
    /// Reads an answer.
    package static func read(status: Int, after: Duration?, _ body: [UInt8]) throws(NodeFault) -> MirrorAnswer {
        let value = try? JSON.Value.parse(body)
        if status == 200 {
            guard let value, value.kind == .object else {
                throw .again("the answer is not a JSON object: \(Self.beginning(of: body))")
            }
            return .found(value)
        }
        let message = value?["_status"]?["messages"]?.elements.first(where: { _ in true })
        let words = [message?["message"], message?["detail"]].compactMap { $0?.string }.filter { !$0.isEmpty }
        let said = words.isEmpty ? Self.beginning(of: body) : String(words.joined(separator: ": ").prefix(300))
        let why = "the mirror answered \(status): \(said)"
        switch status {
        case 429: throw .slowDown(why, after: after)
        case 408, 425: throw .again(why, after: after)
        case 404:
            // Not the word of a proxy, who does not know.
            guard !words.isEmpty else { throw .again(why, after: after) }
            return .missing(said)
        case 400..<500: throw .stop(why)
        default: throw .again(why, after: after)
        }
    }

    private static func beginning(of body: [UInt8]) -> String {
        String(decoding: body.prefix(120), as: UTF8.self)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Ingest
import JSON

/// Classifies a mirror's status and body.
package enum MirrorRefusal {
    /// Parses an answer.
    /// - Parameter beginning: Start of the body, safe to show; nil when there are no keys that it could repeat.
    package static func read(
        status: Int,
        after: Duration?,
        _ body: [UInt8],
        beginning: String? = nil
    ) throws(NodeFault) -> MirrorAnswer {
        let value = try? JSON.Value.parse(body)
        let beginning = beginning ?? String(decoding: body.prefix(120), as: UTF8.self)
        if status == 200 {
            guard let value, value.kind == .object else {
                throw .again("the answer is not a JSON object: \(beginning)")
            }
            return .found(value)
        }
        let message = value?["_status"]?["messages"]?.elements.first(where: { _ in true })
        let words = [message?["message"], message?["detail"]].compactMap { $0?.string }.filter { !$0.isEmpty }
        let said = words.isEmpty ? beginning : String(words.joined(separator: ": ").prefix(300))
        let why = "the mirror answered \(status): \(said)"
        // About the requested path, in the mirror's own JSON; a proxy's 404 does not count.
        if status == 404 || status == 400, !words.isEmpty { return .missing(said) }
        switch EndpointTrouble(status: status) {
        case .throttled: throw .slowDown(why, after: after)
        case .failing: throw .again(why, after: after)
        case let trouble: throw .unfit(trouble, why, after: after)
        }
    }
}

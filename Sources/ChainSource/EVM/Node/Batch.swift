// SPDX-License-Identifier: Apache-2.0

import Ingest
import JSON

/// A batch of calls in the JSON-RPC 2.0 wire format.
package enum Batch {
    /// - Parameter id: Id of the first call; the others are numbered consecutively.
    package static func request(_ calls: [RPCCall], id: Int) -> [UInt8] {
        var writer = JSON.Writer(reservingCapacity: 256 * calls.count)
        writer.beginArray()
        for (index, call) in calls.enumerated() {
            writer.beginObject()
            writer.member("jsonrpc", string: "2.0")
            writer.member("id", integer: id + index)
            writer.member("method", string: call.method)
            writer.name("params")
            call.writeParameters(to: &writer)
            writer.endObject()
        }
        writer.endArray()
        return writer.bytes
    }

    /// Parses the answers, in any order. Every call must have one answer, with its own id.
    package static func answers(_ body: [UInt8], count: Int, id: Int) throws(NodeFault) -> [RPCAnswer] {
        let value: JSON.Value
        do throws(JSON.Fault) {
            value = try JSON.Value.parse(body)
        } catch {
            throw .again("the answer is not JSON: \(String(decoding: body.prefix(80), as: UTF8.self))")
        }
        guard value.kind == .array else {
            guard let error = value["error"], !error.isNull else { throw .again("the answer is not a batch") }
            throw Self.refused(error)
        }
        var answers = [RPCAnswer?](repeating: nil, count: count)
        for element in value.elements {
            if let error = element["error"], !error.isNull, element["id"]?.isNull ?? true { throw Self.refused(error) }
            guard count > 0, let number = element["id"]?.integer(in: id...id + count - 1), answers[number - id] == nil
            else { throw .again("an answer does not have the id of a call") }
            if let error = element["error"], !error.isNull {
                answers[number - id] = .refusal(Refusal(error))
            } else if let result = element["result"] {
                answers[number - id] = .result(result)
            } else {
                throw .again("an answer has neither result nor error")
            }
        }
        return try answers.map { answer throws(NodeFault) in
            guard let answer else { throw .again("not all calls were answered") }
            return answer
        }
    }

    /// Classifies the refusal of a whole batch.
    private static func refused(_ error: JSON.Value) -> NodeFault {
        let refusal = Refusal(error)
        let why = "the batch was rejected: \(refusal.message) (\(refusal.code))"
        return switch refusal.meaning {
        case .tooFast: .slowDown(why)
        case .never, .refused: .unfit(.refused, why)
        case .pruned: .unfit(.pruned, why)
        case .tooLarge: .tooLarge(why)
        case .notYet: .again(why)
        }
    }
}

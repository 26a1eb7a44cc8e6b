// SPDX-License-Identifier: Apache-2.0

import Ingest
import JSON

/// The answers to a batch, as typed values.
struct Answers: Sendable {
    let calls: [RPCCall]
    let answers: [RPCAnswer]

    func result(_ index: Int) throws(FollowFault) -> JSON.Value {
        switch self.answers[index] {
        case .result(let value): return value
        case .refusal(let refusal): throw Self.fault(refusal, self.calls[index])
        }
    }

    /// Nil when there is no such block.
    func block(_ index: Int) throws(FollowFault) -> Block? {
        let value = try self.result(index)
        guard !value.isNull else { return nil }
        do throws(NodeFault) {
            return try Block(value)
        } catch {
            throw FollowFault(error)
        }
    }

    /// Also nil when the node does not have it: old software does not know the tag, and a young chain has no final
    /// block.
    func blockIfAny(_ index: Int) throws(FollowFault) -> Block? {
        if case .refusal(let refusal) = self.answers[index] {
            switch refusal.meaning {
            case .never, .notYet: return nil
            case .tooFast, .tooLarge, .pruned, .refused: break
            }
        }
        return try self.block(index)
    }

    func logs(_ index: Int) throws(FollowFault) -> [Log] {
        let value = try self.result(index)
        do throws(NodeFault) {
            return try Log.list(value)
        } catch {
            throw FollowFault(error)
        }
    }

    /// The logs of a block's receipts; nil when the node does not support the method, or the answer is too large.
    func logsOfReceipts(_ index: Int) throws(FollowFault) -> [Log]? {
        if case .refusal(let refusal) = self.answers[index] {
            switch refusal.meaning {
            case .never, .refused, .tooLarge: return nil
            case .tooFast, .notYet, .pruned: break
            }
        }
        let value = try self.result(index)
        guard !value.isNull else { throw .again("the node does not have the receipts yet") }
        do throws(NodeFault) {
            return try Log.ofReceipts(value)
        } catch {
            throw FollowFault(error)
        }
    }

    /// The request size that the node suggests; nil when the error is not about size.
    func refusedForSize(_ index: Int) -> Refusal.Hint?? {
        guard case .refusal(let refusal) = self.answers[index], case .tooLarge(let hint) = refusal.meaning else {
            return nil
        }
        return .some(hint)
    }

    private static func fault(_ refusal: Refusal, _ call: RPCCall) -> FollowFault {
        let why = "\(call.method): \(refusal.message) (\(refusal.code))"
        switch refusal.meaning {
        case .tooLarge where call.isForLogs: return .again(why)
        // A single block cannot be too large: this is another limit.
        case .tooLarge, .tooFast: return .slowDown(why)
        case .notYet: return .again(why)
        case .pruned: return .unfit(.pruned, "that history has been pruned: \(why); use an archive node")
        case .refused, .never: return .unfit(.refused, why)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Ingest
import JSON

extension Follower {
    /// Health of the endpoints.
    package nonisolated var endpointReports: [EndpointReport] {
        self.node.endpoints.reports
    }

    /// Checks the endpoints that are not in use, until the task is cancelled.
    package nonisolated func watchEndpoints() async {
        await self.node.endpoints.watch { endpoint in await self.probe(endpoint) }
    }

    /// Asks an idle endpoint for its chain id and its head.
    private func probe(_ endpoint: Int) async -> EndpointPool.Probe {
        let calls: [RPCCall] = [.chainID, .block(.latest)]
        do throws(FollowFault) {
            let answers: [RPCAnswer]
            do throws(NodeFault) {
                answers = try await self.node.ask(calls, of: endpoint)
            } catch {
                throw FollowFault(error)
            }
            guard answers.count == calls.count else {
                return .failure(.failing, "not all calls were answered", after: nil)
            }
            let asked = Answers(calls: calls, answers: answers)
            let chainID = try asked.result(0).string.flatMap { Hex.integer($0, in: .unlimited) }
            if let wanted = self.chain.chainID ?? self.place?.chainID, let chainID, wanted != chainID {
                return .failure(.foreign, "it serves chain \(chainID), not \(wanted); check its URL", after: nil)
            }
            guard let head = try asked.block(1) else {
                return .failure(.failing, "the node has no latest block", after: nil)
            }
            return .head(head.number)
        } catch {
            guard !Task.isCancelled else { return .nothing }
            return error.probe
        }
    }
}

extension FollowFault {
    /// Converts a failure to the outcome of a health check.
    var probe: EndpointPool.Probe {
        switch self {
        case .again(let why, let after): .failure(.failing, why, after: after)
        case .slowDown(let why, let after): .failure(.throttled, why, after: after)
        case .unfit(let trouble, let why, let after): .failure(trouble, why, after: after)
        case .lacking(let why): .failure(.lacking, why, after: nil)
        case .elsewhere, .unavailable, .stopped: .nothing
        }
    }
}

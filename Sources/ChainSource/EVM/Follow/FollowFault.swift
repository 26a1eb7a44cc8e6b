// SPDX-License-Identifier: Apache-2.0

package import Ingest

/// Why a step of a follower failed. The texts are for operators.
package enum FollowFault: Error, Sendable, Equatable {
    /// The answer of the endpoint is unusable. Retry, but not before the requested delay.
    case again(String, after: Duration? = nil)
    /// Like ``again``, and at a lower rate from now on.
    case slowDown(String, after: Duration? = nil)
    /// The endpoint cannot be used; another one may work.
    case unfit(EndpointTrouble, String, after: Duration? = nil)
    /// Another endpoint is available and is to be asked at once.
    case elsewhere(String)
    /// The endpoint does not know this contract or topic.
    case lacking(String)
    /// The event store or the state of the source is unavailable.
    case unavailable(String)
    /// Nothing more is published until an operator has decided.
    case stopped(String)

    init(_ fault: NodeFault) {
        switch fault {
        case .again(let why, let after): self = .again(why, after: after)
        case .tooLarge(let why): self = .again(why)
        case .slowDown(let why, let after): self = .slowDown(why, after: after)
        case .unfit(let trouble, let why, let after): self = .unfit(trouble, why, after: after)
        }
    }

    /// Records a failure with the endpoint that caused it. From here on, the endpoint's message is shown without keys.
    /// - Returns: What to do now.
    func recordFailure(of endpoint: Int, in endpoints: EndpointPool) -> FollowFault {
        let trouble: EndpointTrouble
        let asked: Duration?
        switch self {
        case .again(_, let after): (trouble, asked) = (.failing, after)
        case .slowDown(_, let after): (trouble, asked) = (.throttled, after)
        case .unfit(let kind, _, let after): (trouble, asked) = (kind, after)
        case .lacking: (trouble, asked) = (.lacking, nil)
        case .elsewhere, .unavailable, .stopped: return self
        }
        let why = endpoints.redact(self.description)
        switch endpoints.failed(endpoint, trouble, why, after: asked) {
        case .another: return .elsewhere(why)
        case .none: return .stopped(why)
        case .again(let after):
            if case .slowDown = self { return .slowDown(why, after: after ?? asked) }
            return .again(why, after: after ?? asked)
        }
    }
}

extension FollowFault {
    var isStop: Bool {
        if case .stopped = self { true } else { false }
    }

    /// When a runner takes the next step.
    var progress: SourceProgress {
        switch self {
        case .elsewhere: .failedOver
        case .again(_, let after), .unfit(_, _, let after): .failed(retryAfter: after ?? .zero)
        case .slowDown(_, let after): .failed(retryAfter: max(after ?? .zero, .seconds(1)))
        case .lacking, .unavailable: .failed()
        case .stopped: .halted
        }
    }
}

/// Outcome of a step.
package enum FollowProgress: Sendable, Equatable {
    /// Processed blocks, or reduced the range: there is more to do.
    case advanced
    /// Undid this many blocks: there is more to do.
    case rolledBack(Int)
    /// Has everything that the node has.
    case idle
}

extension FollowFault: CustomStringConvertible {
    /// A sentence for the operator.
    package var description: String {
        switch self {
        case .again(let why, _), .slowDown(let why, _), .unfit(_, let why, _), .elsewhere(let why), .lacking(let why),
            .unavailable(let why), .stopped(let why):
            why
        }
    }
}

extension EndpointPool {
    /// Endpoint for the next step.
    func chosen() throws(FollowFault) -> Int {
        switch self.choose() {
        case .ask(let index): index
        case .wait(let rest, _): throw .again("no endpoint is available now: \(self.trouble)", after: rest)
        }
    }
}

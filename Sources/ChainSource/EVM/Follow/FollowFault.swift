// SPDX-License-Identifier: Apache-2.0

package import Ingest

/// Why a step of a follower led nowhere. The texts are for operators.
package enum FollowFault: Error, Sendable, Equatable {
    /// What the endpoint answered is of no use. It is to be tried again, not before the delay that was asked for.
    case again(String, after: Duration? = nil)
    /// As ``again``, and more slowly from now on.
    case slowDown(String, after: Duration? = nil)
    /// The endpoint does not do; another one may.
    case unfit(EndpointTrouble, String, after: Duration? = nil)
    /// Another endpoint is there, which is to be asked at once.
    case elsewhere(String)
    /// The endpoint does not know this part of what is followed.
    case lacking(String)
    /// Where the events go, or what is remembered, cannot be reached now.
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

    /// Says of an endpoint what it has failed in, if it is the endpoint that has. What it said itself is shown from here on,
    /// without its keys.
    /// - Returns: What is to be done now.
    func blame(_ endpoint: Int, of endpoints: EndpointPool) -> FollowFault {
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

/// What a step of a follower did.
package enum FollowProgress: Sendable, Equatable {
    /// Took blocks in, or learned to ask for fewer: there is more to do.
    case advanced
    /// Undid so many blocks: there is more to do.
    case rolledBack(Int)
    /// Has all that the node has.
    case idle
}

extension FollowFault: CustomStringConvertible {
    /// The sentence for the operator.
    package var description: String {
        switch self {
        case .again(let why, _), .slowDown(let why, _), .unfit(_, let why, _), .elsewhere(let why), .lacking(let why),
            .unavailable(let why), .stopped(let why):
            why
        }
    }
}

extension EndpointPool {
    /// The endpoint that the next step asks.
    func chosen() throws(FollowFault) -> Int {
        switch self.choose() {
        case .ask(let index): index
        case .wait(let rest, _): throw .again("no endpoint can be asked now: \(self.trouble)", after: rest)
        }
    }
}

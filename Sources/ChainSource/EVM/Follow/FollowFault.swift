// SPDX-License-Identifier: Apache-2.0

/// Why a step of a follower led nowhere. The texts are for operators.
package enum FollowFault: Error, Sendable, Equatable {
    /// It is to be tried again, not before the delay that was asked for.
    case again(String, after: Duration? = nil)
    /// As ``again``, and more slowly from now on.
    case slowDown(String, after: Duration? = nil)
    /// Nothing more is told until an operator has decided.
    case stopped(String)

    init(_ fault: NodeFault) {
        switch fault {
        case .again(let why, let after): self = .again(why, after: after)
        case .tooLarge(let why): self = .again(why)
        case .slowDown(let why, let after): self = .slowDown(why, after: after)
        case .stop(let why): self = .stopped(why)
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
        case .again(let why, _), .slowDown(let why, _), .stopped(let why): why
        }
    }
}

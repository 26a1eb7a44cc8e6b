// SPDX-License-Identifier: Apache-2.0

package import BroadtapeClient

/// Why a run could not be made, or not to its end.
package enum RunError: Error, Sendable, Equatable {
    /// A subscriber could not connect for as long as the run's patience lasts.
    case cannotConnect(Ending)
    /// The hub turned a subscriber away for good; the text is what it said before, if anything.
    case turnedAway(Ending, said: String?)
    /// The hub refused a subscription.
    case refused(channel: String, code: String, message: String)
    /// The channel's numbering started over during the run.
    case epochChanged(channel: String, from: String, to: String)
    /// Publishing failed.
    case publishing(PublishError)
    /// The hub acknowledged an event without telling all of its positions.
    case positions(event: Int, expected: Int, actual: Int)
    /// The hub broke its word about something that no count tells.
    case unexpected(String)
    /// More connections than the system lets this process open.
    case descriptors(needed: Int, limit: Int)
}

extension RunError: CustomStringConvertible {
    /// A sentence for a human.
    package var description: String {
        switch self {
        case .cannotConnect(let ending): "\(ending)"
        case .turnedAway(.refused(status: 401, _, _), let said), .turnedAway(.closed(code: 4501, _), let said):
            "the hub does not accept the subscribers' token\(said.map { " (\($0))" } ?? ""); "
                + "give --token, or --jwt-secret as the hub has it"
        case .turnedAway(let ending, let said): "\(ending)\(said.map { "; before that: \($0)" } ?? "")"
        case .refused(let channel, let code, let message): "cannot subscribe to \(channel): \(message) (\(code))"
        case .epochChanged(let channel, let from, let to):
            "the numbering of \(channel) started over: epoch \(to) instead of \(from)"
        case .publishing(.problem(let problem)) where problem.status == 401:
            "the hub does not accept the publisher's token (\(problem)); "
                + "give --token, or --jwt-secret as the hub has it"
        case .publishing(let error): "cannot publish: \(error)"
        case .positions(let event, let expected, let actual):
            "event \(event) was acknowledged with \(actual) positions; it has \(expected) channels"
        case .unexpected(let what): what
        case .descriptors(let needed, let limit):
            "\(needed) file descriptors are needed and \(limit) are allowed; raise `ulimit -n`"
        }
    }
}

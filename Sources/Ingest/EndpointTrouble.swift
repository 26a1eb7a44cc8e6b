// SPDX-License-Identifier: Apache-2.0

/// What is wrong with an endpoint. Concerns this endpoint only: another one may be well.
package enum EndpointTrouble: String, Sendable, CaseIterable {
    /// No connection, no TLS, no such name, or no whole answer in time.
    case unreachable
    /// Its answers are unusable: errors of the server, HTML, answers that contradict each other.
    case failing
    /// It does not serve us: an expired key, a plan that ended, a wrong path, a method that it does not have.
    case refused
    /// It has served us too much: a rate or a quota.
    case throttled
    /// It no longer has the history that is asked for.
    case pruned
    /// It is of another network.
    case foreign
    /// It has less than others have, or than was already read.
    case behind
    /// Nothing new comes from it.
    case stalled
    /// It does not know a part of what is followed.
    case lacking

    /// Whether it still answers, so that it is asked while no other endpoint is better.
    package var isUsable: Bool {
        switch self {
        case .behind, .stalled, .lacking: true
        case .unreachable, .failing, .refused, .throttled, .pruned, .foreign: false
        }
    }

    /// Whether waiting a little longer each time makes no sense: what is wrong lasts.
    var lasts: Bool {
        switch self {
        case .pruned, .foreign, .lacking: true
        case .unreachable, .failing, .refused, .throttled, .behind, .stalled: false
        }
    }

    /// What an HTTP status that is not 200 says of an endpoint.
    package init(status: Int) {
        switch status {
        case 429: self = .throttled
        case 408, 425, 500...: self = .failing
        case 300..<500: self = .refused
        default: self = .failing
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient

/// What hubs say and subscribers tell, for tests.
enum Script {
    static let quick = Subscriber.Options(
        backoff: Backoff(base: .milliseconds(1), cap: .milliseconds(1))
    )
    static let welcome = #"{"op":"welcome","session":"s","node":"n","heartbeat":10000}"#

    static func event(_ seq: Int, padding: Int = 0) -> String {
        let data = String(repeating: "x", count: padding)
        return #"{"op":"event","channel":"a:b","seq":\#(seq),"id":"e\#(seq)","time":"t","data":"\#(data)"}"#
    }

    static func subscribed(head: Int, mode: String = "live", epoch: String = "k") -> String {
        #"{"op":"subscribed","id":1,"channel":"a:b","epoch":"\#(epoch)","head":\#(head),"mode":"\#(mode)"}"#
    }

    /// What is left of an update to compare: its kind and number.
    static func short(_ update: Update?) -> String {
        switch update {
        case .connected: "connected"
        case .authenticated(let user): "authenticated \(user)"
        case .subscribed(let position, let mode): "subscribed \(position.seq) \(mode)"
        case .snapshot(let event): "snapshot \(event.seq)"
        case .event(let event): "event \(event.seq)"
        case .caughtUp(_, let seq): "caughtUp \(seq)"
        case .gap(let gap): "gap \(gap.after) \(gap.reason)"
        case .refused(_, let code, _): "refused \(code)"
        case .behind(_, let isBehind, let head, let seq): isBehind ? "behind \(seq) of \(head)" : "not behind"
        case .paused(let isPaused): "paused \(isPaused)"
        case .stale(let sources): "stale \(sources)"
        case .notice(let code, _): "notice \(code)"
        case .disconnected(let ending, _): "disconnected \(ending)"
        case nil: "end"
        }
    }

    static func subscriber(
        _ server: Loopback,
        options: Subscriber.Options = Script.quick,
        token: TokenProvider? = nil
    ) throws -> Subscriber {
        try Subscriber(to: server.address, subscriptions: [Subscription("a:b")], token: token, options: options)
    }
}

// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore

@testable import BroadtapeClient

extension Machine.Output {
    /// As the vectors tell it: an object with one member.
    var vector: [UInt8] {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.name(self.name)
        switch self {
        case .send(let request, let id):
            writer.raw(Array(request.encoded(id: id).readableBytesView))
        default:
            writer.beginObject()
            self.write(to: &writer)
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    private var name: String {
        switch self {
        case .connect: "connect"
        case .askToken: "askToken"
        case .send: "send"
        case .close: "close"
        case .status: "status"
        case .subscribed: "subscribed"
        case .event: "event"
        case .snapshot: "snapshot"
        case .caughtUp: "caughtUp"
        case .gap: "gap"
        case .behind: "behind"
        case .stale: "stale"
        case .refused: "refused"
        case .error: "error"
        case .save: "save"
        }
    }

    private func write(to writer: inout JSON.Writer) {
        switch self {
        case .connect(let token):
            if let token { writer.member("token", string: token) }
        case .askToken(let refresh):
            writer.member("refresh", bool: refresh)
        case .send, .close:
            break
        case .status(let status, let occasion):
            writer.status(status, occasion)
        case .subscribed(let position, let head, let mode, let wanted):
            writer.position(position)
            writer.member("head", integer: head)
            writer.member("mode", string: mode.rawValue)
            writer.member("wanted", string: wanted)
        case .event(let event), .snapshot(let event):
            writer.event(event)
        case .caughtUp(let channel, let seq):
            writer.member("channel", string: channel)
            writer.member("seq", integer: seq)
        case .gap(let gap):
            writer.member("channel", string: gap.channel)
            writer.member("from", integer: gap.after + 1)
            if let before = gap.before { writer.member("to", integer: before - 1) }
            writer.member("reason", string: gap.reason.word)
        case .behind(let channel, let isBehind, let head, let seq):
            writer.member("channel", string: channel)
            writer.member("behind", bool: isBehind)
            writer.member("head", integer: head)
            writer.member("seq", integer: seq)
        case .stale(let sources):
            writer.strings("sources", sources)
        case .refused(let channel, let code, let message):
            writer.member("channel", string: channel)
            writer.member("code", string: code)
            writer.member("message", string: message)
        case .error(let code, let message, let channel):
            writer.member("code", string: code)
            writer.member("message", string: message)
            if let channel { writer.member("channel", string: channel) }
        case .save(let position):
            writer.position(position)
        }
    }
}

extension Gap.Reason {
    fileprivate var word: String {
        switch self {
        case .cursorExpired: "cursor_expired"
        case .epochChanged: "epoch_changed"
        case .missing: "missing"
        }
    }
}

extension Ending {
    /// The word and the number by which the vectors call it.
    fileprivate var cause: (word: String, code: Int?) {
        switch self {
        case .unreachable: ("unreachable", nil)
        case .timedOut: ("timeout", nil)
        case .refused(let status, _, _): ("refused", status)
        case .handshake, .violation: ("protocol", nil)
        case .closed(let code, _): ("closed", Int(code))
        case .silent: ("silent", nil)
        case .stuck: ("behind", nil)
        case .noToken: ("no_token", nil)
        case .nothingToRead: ("nothing_to_read", nil)
        }
    }
}

extension JSON.Writer {
    fileprivate mutating func position(_ position: Position) {
        self.member("channel", string: position.channel)
        self.member("epoch", string: position.epoch)
        self.member("seq", integer: position.seq)
    }

    fileprivate mutating func strings(_ name: String, _ strings: [String]) {
        self.name(name)
        self.beginArray()
        for string in strings { self.string(string) }
        self.endArray()
    }

    fileprivate mutating func event(_ event: Event) {
        self.member("channel", string: event.channel)
        self.member("type", string: event.type)
        self.member("key", string: event.key)
        self.member("seq", integer: event.seq)
        self.member("epoch", string: event.epoch)
        if event.skipped > 0 { self.member("skipped", integer: event.skipped) }
        self.member("id", string: event.id)
        self.member("time", string: event.time)
        if let traceparent = event.traceparent { self.member("traceparent", string: traceparent) }
        self.member("data", raw: event.data)
    }

    fileprivate mutating func status(_ status: Status, _ occasion: Status.Occasion) {
        self.member("state", string: status.state.rawValue)
        self.member("attempt", integer: status.attempt)
        if let session = status.session { self.member("session", string: session) }
        if let node = status.node { self.member("node", string: node) }
        if let user = status.user { self.member("user", string: user) }
        self.member("paused", bool: status.isPaused)
        self.strings("stale", status.stale)
        if let retryIn = status.retryIn { self.member("retryIn", integer: retryIn.milliseconds) }
        switch occasion {
        case .lost(let ending), .stopped(let ending):
            self.member("cause", string: ending.cause.word)
            if let code = ending.cause.code { self.member("code", integer: code) }
            if case .closed(_, let reason) = ending { self.member("reason", string: reason) }
        case .closed:
            self.member("cause", string: "client")
        case .connecting, .welcomed, .authenticated, .noticed, .hostChanged:
            break
        }
    }
}

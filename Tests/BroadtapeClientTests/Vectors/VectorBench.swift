// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import Testing

@testable import BroadtapeClient

/// A client with the clock, the tokens and the memory that the vectors speak of.
struct VectorBench {
    private var machine: Machine
    private var now = NIODeadline.uptimeNanoseconds(0) + .seconds(1000)
    private let start: NIODeadline
    private let wall: Int
    private var random = 0.5
    /// The places of what was delivered.
    private var delivered: [Position] = []
    /// The value of `$name`, as JSON text.
    private var variables: [String: String] = [:]

    /// - Parameter client: `{token, wall}` of a vector.
    init(_ client: JSON.Value?) throws {
        self.start = self.now
        let wall = client?["wall"]?.string ?? "2026-11-20T15:00:00Z"
        self.wall = Int(try #require(UTCTime(wall)).nanoseconds / 1_000_000)
        self.machine = Machine(
            [],
            hasToken: client?["token"]?.bool ?? false,
            backoff: Backoff(),
            now: self.now
        )
    }

    private var moment: Machine.Moment {
        Machine.Moment(now: self.now, wall: self.wall + (self.now - self.start).milliseconds, random: self.random)
    }

    /// Does one step; returns what the client did, as the vectors tell it.
    mutating func take(_ step: JSON.Value) throws -> [JSON.Value] {
        if let random = step["random"] { self.random = try #require(Double(random.written)) }
        for (name, value) in step.members where name != "random" && name != "expect" {
            let outputs = try self.input(name, value)
            for output in outputs { self.remember(output) }
            return try outputs.map { try JSON.Value.parse($0.vector) }
        }
        throw Unknown(name: step.written)
    }

    private struct Unknown: Error { var name: String }

    private mutating func remember(_ output: Machine.Output) {
        switch output {
        case .event(let event), .snapshot(let event):
            self.delivered.append(Position(channel: event.channel, epoch: event.epoch, seq: event.seq))
        case .subscribed(let position, _, _, _):
            self.delivered.append(position)
        default:
            break
        }
    }

    private mutating func input(_ name: String, _ value: JSON.Value) throws -> [Machine.Output] {
        switch name {
        case "start": return self.machine.start(at: self.moment)
        case "close": return self.machine.close()
        case "reconnect": return self.machine.reconnect(at: self.moment)
        case "subscribe": return self.machine.subscribe(try Self.subscription(value))
        case "unsubscribe": return self.machine.unsubscribe(try #require(value.string))
        case "token": return self.machine.tokenArrived(try #require(value.string), at: self.moment)
        case "tokenFailed": return self.machine.tokenFailed(try #require(value.string), at: self.moment)
        case "socket": return try self.socket(value)
        case "receive": return try self.receive(Array(self.substituted(value).utf8))
        case "receiveText": return try self.receive(Array(try #require(value.string).utf8))
        case "advance": return self.advance(.milliseconds(Int64(try #require(value.integer(in: .seq)))))
        case "freeze": return self.freeze(.milliseconds(Int64(try #require(value.integer(in: .seq)))))
        case "host": return try self.host(try #require(value.string))
        case "handled": return self.machine.handled(try self.place(value))
        case "failed":
            self.machine.failed(try self.place(value).channel)
            return []
        default: throw Unknown(name: name)
        }
    }

    private static func subscription(_ value: JSON.Value) throws -> BroadtapeClient.Subscription {
        let start: BroadtapeClient.Subscription.Start =
            if let since = value["since"]?.integer(in: .seq) {
                .after(since, epoch: value["epoch"]?.string)
            } else {
                switch value["snapshot"]?.bool {
                case true: .snapshot
                case false: .live
                case nil: .typeDefault
                }
            }
        return Subscription(
            try #require(value["channel"]?.string),
            from: start,
            interval: value["interval"]?.integer(in: .seq)
        )
    }

    private mutating func socket(_ event: JSON.Value) throws -> [Machine.Output] {
        if event.string == "open" { return self.machine.opened(at: self.moment) }
        let ending: Ending
        if let closed = event["closed"] {
            let code = UInt16(clamping: try #require(closed["code"]?.integer(in: .seq)))
            ending = .closed(code: code, reason: closed["reason"]?.string ?? "")
        } else if let refused = event["refused"] {
            let status = try #require(refused["status"]?.integer(in: .seq))
            ending = .refused(status: status, reason: "", retryAfter: refused["retryAfter"]?.integer(in: .seq))
        } else {
            ending = .unreachable(try #require(event["failed"]?.string))
        }
        return self.machine.ended(ending, at: self.moment)
    }

    private mutating func receive(_ text: [UInt8]) throws -> [Machine.Output] {
        do throws(Message.Unreadable) {
            return self.machine.received(try Message(text), at: self.moment)
        } catch {
            return self.machine.received(error, at: self.moment)
        }
    }

    private mutating func advance(_ time: TimeAmount) -> [Machine.Output] {
        let end = self.now + time
        var outputs: [Machine.Output] = []
        while let due = self.machine.wakeAt, due <= end {
            self.now = max(self.now, due)
            outputs += self.machine.wake(at: self.moment)
        }
        self.now = end
        return outputs
    }

    private mutating func freeze(_ time: TimeAmount) -> [Machine.Output] {
        self.now = self.now + time
        guard let due = self.machine.wakeAt, due <= self.now else { return [] }
        return self.machine.wake(at: self.moment, late: self.now - due)
    }

    private mutating func host(_ event: String) throws -> [Machine.Output] {
        switch event {
        case "offline": self.machine.offline(at: self.moment)
        case "online": self.machine.online(at: self.moment)
        case "visible": self.machine.woke(at: self.moment)
        default: throw Unknown(name: event)
        }
    }

    private func place(_ value: JSON.Value) throws -> Position {
        let (channel, seq) = (value["channel"]?.string, value["seq"]?.integer(in: .seq))
        return try #require(self.delivered.last { $0.channel == channel && $0.seq == seq }, "\(value.written)")
    }

    // MARK: - Comparing

    /// A value as text, with the variables filled in; names of variables are not parts of other strings.
    private func substituted(_ value: JSON.Value) -> String {
        self.variables.reduce(value.written) { $0.replacing("\"\($1.key)\"", with: $1.value) }
    }

    /// Whether `actual` has everything of `expected`: frames whole but for an `id` that is not named, everything else as
    /// far as it is given. `$name` matches any value the first time, the same later.
    mutating func matches(_ expected: JSON.Value, _ actual: JSON.Value) -> Bool {
        if let frame = expected["send"], let sent = actual["send"] {
            guard Self.names(frame) == Self.names(sent) else { return false }
            let (wanted, got) = (
                frame["channels"]?.elements.map(Self.names), sent["channels"]?.elements.map(Self.names)
            )
            guard wanted == got else { return false }
        }
        return self.includes(expected, actual)
    }

    private static func names(_ object: JSON.Value) -> Set<String> {
        Set(object.members.map(\.name)).subtracting(["id"])
    }

    private mutating func includes(_ expected: JSON.Value, _ actual: JSON.Value?) -> Bool {
        if let name = expected.string, name.hasPrefix("$") {
            guard let actual else { return false }
            if let known = self.variables[name] { return known == actual.written }
            self.variables[name] = actual.written
            return true
        }
        switch expected.kind {
        case .null:
            return actual?.isNull ?? true
        case .array:
            guard let actual, actual.kind == .array, actual.count == expected.count else { return false }
            for (one, other) in zip(expected.elements, actual.elements) where !self.includes(one, other) {
                return false
            }
            return true
        case .object:
            guard let actual, actual.kind == .object else { return false }
            for (name, member) in expected.members where !self.includes(member, actual[name]) { return false }
            return true
        case .string:
            return expected.string == actual?.string && actual?.kind == .string
        default:
            return expected.written == actual?.written
        }
    }
}

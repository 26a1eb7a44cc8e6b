// SPDX-License-Identifier: Apache-2.0

import ChainSource
import EventLog
import Foundation
import JSON
import TestSupport

enum Base64 {
    static func text(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
    }
}

/// A follower of a mirror; a new one replaces it after each crash.
final class Mirroring {
    let node: any MirrorNode
    let sink: RecordingSink
    let mirror: Mirror
    private let users: [Address: String]
    private(set) var follower: MirrorFollower
    private(set) var crashes = 0
    private(set) var retries = 0

    static func mirror() throws -> Mirror {
        var mirror = Mirror(
            name: "test",
            contracts: [
                .id(SimulatedMirror.contract): [
                    Chain.WantedEvent(signature: try EventSignature(SimulatedMirror.event))
                ]
            ]
        )
        mirror.start = SimulatedMirror.begin
        return mirror
    }

    init(
        _ node: any MirrorNode,
        _ mirror: Mirror,
        _ sink: RecordingSink = RecordingSink(),
        users: [Address: String] = [:]
    ) {
        self.node = node
        self.sink = sink
        self.mirror = mirror
        self.users = users
        self.follower = Self.follower(node, mirror, sink, users)
    }

    private static func follower(
        _ node: any MirrorNode,
        _ mirror: Mirror,
        _ sink: RecordingSink,
        _ users: [Address: String]
    ) -> MirrorFollower {
        MirrorFollower(mirror: mirror, node: node, sink: sink, users: { users }, logger: Following.quiet)
    }

    func restart() {
        self.follower = Self.follower(self.node, self.mirror, self.sink, self.users)
    }

    /// Takes one step, through a crash.
    /// - Returns: Whether there is nothing more to do.
    func step() async throws -> Bool {
        defer {
            if self.sink.state.value.hasCrashed {
                self.sink.state.change { $0.hasCrashed = false }
                self.crashes += 1
                self.restart()
            }
        }
        do throws(FollowFault) {
            return try await self.follower.step() == .idle
        } catch {
            if case .stopped(let why) = error { throw Following.Stuck(why: why) }
            self.retries += 1
            return false
        }
    }

    /// Steps until there is nothing to do.
    func catchUp(attempts: Int = 3_000) async throws {
        for _ in 0..<attempts {
            if try await self.step() { return }
        }
        throw Following.Stuck(why: "no end after \(attempts) steps")
    }

    /// The fault of the next step.
    func fault() async -> FollowFault? {
        do throws(FollowFault) {
            _ = try await self.follower.step()
            return nil
        } catch {
            return error
        }
    }

    /// The events since this was called last.
    func takeEvents() -> [SourceEvent] {
        self.sink.state.change { state in
            defer { state.events = [] }
            return state.events
        }
    }

    /// The names of entries with something in them.
    func remembered(_ part: String) -> [String] {
        self.sink.state.value.entries.keys.filter { $0.contains(part) }
    }

    var told: MirrorReplay { MirrorReplay(self.sink.state.value.events) }
}

/// What a subscriber knows who has read all events of a mirror, and what was wrong with them.
struct MirrorReplay {
    struct Standing: Equatable {
        var id: String
        var level: Chain.Level
        var args: String
    }

    /// By consensus time and index.
    private(set) var logs: [String: Standing] = [:]
    /// By number; joined.
    private(set) var messages: [Int: (message: String, encoding: String, parts: Int)] = [:]
    private(set) var faults: [String] = []
    private(set) var undone = 0
    private var ids: Set<String> = []

    init(_ events: some Sequence<SourceEvent>) {
        for event in events { self.take(event) }
    }

    private mutating func take(_ event: SourceEvent) {
        guard self.ids.insert(event.id).inserted else { return self.faults.append("\(event.id) came twice") }
        guard let data = try? JSON.Value.parse(event.data) else { return self.faults.append("\(event.id) is not JSON") }
        switch event.type {
        case "chainEvent": self.takeLog(event, data)
        case "topicMessage":
            guard let sequence = data["sequenceNumber"]?.integer(in: .seq), let message = data["message"]?.string,
                let encoding = data["encoding"]?.string
            else { return self.faults.append("\(event.id) lacks something") }
            if self.messages.keys.contains(where: { $0 >= sequence }) {
                self.faults.append("\(event.id) is not in order")
            }
            self.messages[sequence] = (message, encoding, data["parts"]?.integer(in: .seq) ?? 1)
        default: break
        }
    }

    private mutating func takeLog(_ event: SourceEvent, _ data: JSON.Value) {
        guard let time = data["consensusTimestamp"]?.string, let index = data["logIndex"]?.integer(in: .seq),
            let level = data["level"]?.string.flatMap(Chain.Level.init(rawValue:)), let args = data["args"]
        else { return self.faults.append("\(event.id) lacks something") }
        let key = "\(time) \(index)"
        let standing = self.logs[key]
        if let undoes = data["undoes"]?.string {
            guard let standing, standing.id == undoes, standing.level == .confirmed else {
                return self.faults.append("\(event.id) undoes \(undoes), which is not confirmed")
            }
            self.logs[key] = nil
            self.undone += 1
        } else if let standing {
            if standing.level >= level { self.faults.append("\(event.id) is published again") }
            self.logs[key]?.level = level
        } else {
            let text = String(decoding: args.text, as: UTF8.self)
            self.logs[key] = Standing(id: event.id, level: level, args: text)
        }
    }

    /// What is wrong compared with the logs that there are, all of which are to be final.
    func differences(from truth: some Sequence<(key: String, amount: String)>) -> [String] {
        var rest = self.logs
        var differences = self.faults
        for (key, amount) in truth {
            guard let standing = rest.removeValue(forKey: key) else {
                differences.append("the log of \(key) was not published")
                continue
            }
            if standing.level != .final { differences.append("the log of \(key) is only \(standing.level)") }
            if !standing.args.contains("\"amount\":\"\(amount)\"") { differences.append("\(key) has wrong content") }
        }
        for standing in rest.values { differences.append("\(standing.id) is published, but does not exist") }
        return differences
    }
}

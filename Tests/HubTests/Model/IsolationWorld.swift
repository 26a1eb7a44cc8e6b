// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport

/// Users, services and support with their sessions on several nodes, who do at random what they may and may not do.
struct IsolationWorld {
    static let userCount = 25
    static let scopes = ["", "", "", "", "", "read:mine", "read:ops", "read:* publish:*", "support:read", "publish:*"]

    let nodes: [TestHub]
    private(set) var sessions: [IsolatedSession] = []
    /// Events published so far; each says its number and whose it is.
    private var published = 0
    private var tokens = 0

    init(nodes: [TestHub]) {
        self.nodes = nodes
    }

    private static func user(_ dice: inout SplitMix) -> String {
        "u_\(Int.random(in: 0..<Self.userCount, using: &dice))"
    }

    private static func channel(_ dice: inout SplitMix) -> String {
        switch Int.random(in: 0..<10, using: &dice) {
        case 0...2: "mine"
        case 3: "balanceUpdate"
        case 4, 5: "mine:" + self.user(&dice)
        case 6, 7: "balanceUpdate:" + self.user(&dice)
        case 8: "ops:" + self.user(&dice)
        default: "note:all"
        }
    }

    mutating func step(_ dice: inout SplitMix) async throws {
        let isNew = self.sessions.isEmpty || Int.random(in: 0..<5, using: &dice) < 2
        if isNew { return try await self.connect(&dice) }
        // Mostly the most recent sessions: the others continue to receive.
        let index = max(0, self.sessions.count - 1 - Int.random(in: 0..<100, using: &dice))
        let session = self.sessions[index]
        switch Int.random(in: 0..<20, using: &dice) {
        case 0..<6: try await session.client.send(#"{"op":"subscribe","channel":"\#(Self.channel(&dice))","since":0}"#)
        case 6: try await session.client.send(#"{"op":"subscribe","channel":"\#(Self.channel(&dice))"}"#)
        case 7, 8: try await session.client.send(#"{"op":"history","channel":"\#(Self.channel(&dice))","limit":5}"#)
        case 9: try await session.client.send(#"{"op":"unsubscribe","channel":"\#(Self.channel(&dice))"}"#)
        case 10, 11: try await self.refresh(index, &dice)
        case 12: try await self.revoke(session, &dice)
        case 13:
            if Int.random(in: 0..<4, using: &dice) == 0 {
                await session.client.end()
                self.sessions[index].isGone = true
            }
        case 14:
            try await session.client.becomeWritable(Int.random(in: 0...4_000, using: &dice))
        default: try await self.publish(&dice)
        }
    }

    private mutating func token(of user: String, _ dice: inout SplitMix) -> (text: String, id: String, scopes: String) {
        self.tokens += 1
        let scopes = Self.scopes.randomElement(using: &dice) ?? ""
        let id = "t\(self.tokens)"
        return ("\(user) \(scopes) jti=\(id) iat=\(Timestamp.now.nanoseconds)", id, scopes)
    }

    private mutating func connect(_ dice: inout SplitMix) async throws {
        let user = Self.user(&dice)
        let (text, id, scopes) = self.token(of: user, &dice)
        let node = self.nodes[Int.random(in: 0..<self.nodes.count, using: &dice)]
        let client = try await node.connect(on: Int.random(in: 0..<2, using: &dice))
        var session = IsolatedSession(client: client, user: user)
        session.present(id, scopes)
        try await client.send(
            #"{"op":"auth","id":"\#(id)","token":"\#(text)"}"#,
            #"{"op":"subscribe","channel":"\#(Self.channel(&dice))","since":0}"#
        )
        self.sessions.append(session)
    }

    private mutating func refresh(_ index: Int, _ dice: inout SplitMix) async throws {
        // Sometimes with somebody else's.
        let isForeign = Int.random(in: 0..<5, using: &dice) == 0
        let user = isForeign ? Self.user(&dice) : self.sessions[index].user
        let (text, id, scopes) = self.token(of: user, &dice)
        if user == self.sessions[index].user { self.sessions[index].present(id, scopes) }
        try await self.sessions[index].client.send(#"{"op":"auth","id":"\#(id)","token":"\#(text)"}"#)
    }

    private func revoke(_ session: IsolatedSession, _ dice: inout SplitMix) async throws {
        let target: Revocation.Target
        switch Int.random(in: 0..<12, using: &dice) {
        case 0: target = .subject(session.user)
        case 1...5: target = .session(session.client.session.id)
        default: target = .token(session.lastToken)
        }
        let node = self.nodes[Int.random(in: 0..<self.nodes.count, using: &dice)]
        try await node.hub.revoke([Revocation(target, time: .now)])
    }

    private mutating func publish(_ dice: inout SplitMix) async throws {
        var events: [JSON.Value] = []
        for _ in 0..<Int.random(in: 1...6, using: &dice) {
            self.published += 1
            let users = Set((0..<Int.random(in: 1...3, using: &dice)).map { _ in Self.user(&dice) }).sorted()
            let keys = users.map { "\"\($0)\"" }.joined(separator: ",")
            let type = ["mine", "mine", "balanceUpdate", "ops", "note"].randomElement(using: &dice) ?? ""
            let text =
                switch type {
                case "note": #"{"type":"note","key":"all","data":{"owners":[]}}"#
                case "balanceUpdate":
                    #"{"type":"balanceUpdate","keys":[\#(keys)],"data":{"balance":"\#(self.published)","owners":[\#(keys)]}}"#
                default: #"{"type":"\#(type)","keys":[\#(keys)],"data":{"owners":[\#(keys)]}}"#
                }
            events.append(try JSON.Value.parse(Array(text.utf8)))
        }
        let node = self.nodes[Int.random(in: 0..<self.nodes.count, using: &dice)].hub
        let publisher = Principal(subject: "svc", scopes: ["publish:*"])
        _ = try await node.writer.append(try node.publisher.validator.events(from: events, publisher: publisher, now: .now))
    }

    /// Lets everyone read to the end.
    func settle() async throws {
        for session in self.sessions { try await session.client.becomeWritable() }
        for session in self.sessions where !session.client.isClosed {
            try await session.client.send(#"{"op":"ping","id":"last"}"#)
        }
        for session in self.sessions where !session.isGone {
            try await session.client.transport.wait(for: "the last answer") { record in
                !record.closings.isEmpty || record.messages.last?["id"]?.equals("last") == true
                    || record.messages.contains { $0["id"]?.equals("last") == true }
            }
        }
        for node in self.nodes { try await node.settle() }
    }
}

/// A session and the tokens that it presented.
struct IsolatedSession {
    let client: TestClient
    let user: String
    /// Scopes by the id of the request.
    private(set) var scopes: [String: Set<String>] = [:]
    private(set) var lastToken = ""
    var isGone = false

    init(client: TestClient, user: String) {
        self.client = client
        self.user = user
    }

    mutating func present(_ id: String, _ scopes: String) {
        self.scopes[id] = Set(scopes.split(separator: " ").map(String.init))
        self.lastToken = id
    }
}

/// What was found in the frames of all sessions.
struct IsolationFindings: CustomStringConvertible {
    var violations: [String] = []
    var ownFrames = 0
    /// Others' frames that a scope allows.
    var permittedFrames = 0
    var refusals = 0
    /// Subscriptions that a new token ended.
    var ended = 0
    var revoked = 0

    var description: String {
        "own \(self.ownFrames), permitted \(self.permittedFrames), refused \(self.refusals), ended \(self.ended), "
            + "revoked \(self.revoked)"
    }

    /// Goes through what a session got, in order: what it may see follows from the token accepted last.
    mutating func look(at session: IsolatedSession) {
        if session.client.transport.record.closings.contains(.revoked) { self.revoked += 1 }
        var scopes: Set<String>?
        for message in session.client.messages() {
            switch message["op"]?.string {
            case "authenticated":
                if message["user"]?.string != session.user { self.violations.append("user: \(message.json)") }
                scopes = session.scopes[message["id"]?.string ?? ""]
                if scopes == nil { self.violations.append("token: \(message.json)") }
            case "error":
                self.refusals += 1
            case "unsubscribed":
                if message["reason"] != nil { self.ended += 1 }
            case "event", "snapshot":
                self.check(message["channel"]?.string ?? "", message["data"], of: session.user, scopes)
            case "history":
                for event in message["events"]?.elements.map({ $0 }) ?? [] {
                    self.check(message["channel"]?.string ?? "", event["data"], of: session.user, scopes)
                }
            case "subscribed":
                self.check(message["channel"]?.string ?? "", nil, of: session.user, scopes)
            default:
                break
            }
        }
    }

    private mutating func check(_ channel: String, _ data: JSON.Value?, of user: String, _ scopes: Set<String>?) {
        let parts = channel.split(separator: ":").map(String.init)
        guard parts.count == 2, let scopes else {
            self.violations.append("\(user) got \(channel) before it was anybody")
            return
        }
        let (type, key) = (parts[0], parts[1])
        // Whatever the channel says, the data says whose they are.
        let owners = data?["owners"]?.elements.compactMap(\.string) ?? [key]
        guard type != "note" else { return }
        if !owners.contains(key) { self.violations.append("\(channel) has an event of \(owners)") }
        if type != "ops", key == user {
            self.ownFrames += 1
        } else if scopes.contains("read:*") || scopes.contains("read:\(type)")
            || type != "ops" && scopes.contains("support:read")
        {
            self.permittedFrames += 1
        } else {
            self.violations.append("\(user) with \(scopes.sorted()) got \(channel)")
        }
    }
}

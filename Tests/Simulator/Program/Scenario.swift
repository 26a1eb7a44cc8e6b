// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub

/// Everything about a run that its seed decides before it begins.
struct Scenario {
    struct Subscriber {
        /// Nil for a client without a token.
        var user: String?
        var channels: [String]
        /// Begins with the first event instead of the newest.
        var fromStart: Bool
        /// For types that deliver the latest, in milliseconds.
        var interval: Int?
        /// How long it takes to read a message.
        var readTime: Duration
        /// Ignores heads, so only the hub can repair what it lacks.
        var isTrusting: Bool
    }

    var seed: UInt64
    var nodes: Int
    var loops: Int
    var hasBus: Bool
    var tokenLifetime: Duration
    var hub = HubConfiguration()
    var clients: [Subscriber]
    /// When everything is repaired.
    var span: Duration
    var actions: [Action]
    /// Messages of the hub are lost, which nothing repairs.
    var losesMessages = false

    static let users = ["ann", "bob"]
    static let retention: Duration = .seconds(4)
    static let types = EventTypes(declared: [
        EventType(name: "feed", readers: .everyone, delivery: .every),
        EventType(name: "note", readers: .owner, delivery: .every, retention: Self.retention),
        EventType(name: "price", readers: .everyone, delivery: .latest, retention: Self.retention),
        EventType(
            name: "purse",
            readers: .owner,
            delivery: .latest,
            slot: EventType.Slot(field: "currency", defaultValue: "USD")
        ),
    ])

    init(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        self.seed = seed
        self.nodes = random.one(of: [1, 2, 2, 3])
        self.loops = random.number(1..<3)
        self.hasBus = self.nodes > 1 && random.happens(0.8)
        self.tokenLifetime = random.happens(0.2) ? random.time(3...6) : .seconds(3_600)
        let span = random.time(3...8)
        self.span = span
        self.clients = (0..<random.number(1..<4)).map { _ in Subscriber(&random) }
        self.actions = []
        self.configure(&random)
        self.actions = Action.all(of: self, &random)
    }

    private mutating func configure(_ random: inout SeededRandom) {
        self.hub.types = Self.types
        self.hub.shard.heartbeat = .seconds(2)
        self.hub.shard.silence = .seconds(6)
        self.hub.shard.readsPerMember = random.number(1..<4)
        self.hub.shard.replayBytesPerTurn = random.one(of: [200, 2_000, 64 << 10])
        self.hub.shard.replayBytesPerTick = random.one(of: [500, 1 << 20])
        self.hub.session.publishing = random.one(of: [1, 64])
        self.hub.writer.patience = .seconds(3)
        self.hub.writer.batchBytes = random.one(of: [1_000, 1 << 20])
        self.hub.writer.waitingBytes = random.one(of: [4_000, 64 << 20])
        self.hub.ringBytes = random.one(of: [0, 1_000, 256 << 20])
        self.hub.page = PageLimit(entries: random.one(of: [1, 3, 1_000]), bytes: 2_000)
        self.hub.pageCacheBytes = random.one(of: [0, 2_000, 16 << 20])
        self.hub.pollWhileCut = .milliseconds(300)
        self.hub.pollChannels = random.one(of: [1, 2, 10_000])
        self.hub.probe = .milliseconds(500)
        self.hub.drainWindow = .seconds(1)
        self.hub.fanIn.rules = FanInRules([FanInRules.Rule("source.*", types: ["feed"])])
        self.hub.fanIn.gatheredBytes = random.one(of: [2_000, 8 << 20])
        self.hub.fanIn.staleAfter = .seconds(5)
        self.hub.fanIn.handOver = .seconds(2)
        self.hub.fanIn.keeping = .milliseconds(500)
        self.hub.fanIn.retry = .milliseconds(50) ... .milliseconds(500)
        self.hub.housekeeping = random.one(of: [.seconds(1), .seconds(3)])
    }
}

extension Scenario.Subscriber {
    fileprivate init(_ random: inout SeededRandom) {
        let user = random.happens(0.8) ? random.one(of: Scenario.users) : nil
        var channels = ["feed:a", "feed:b", "price:x", SimulatedSource.log]
        if let user { channels += ["note:\(user)", "purse:\(user)"] }
        if random.happens(0.1) { channels += Scenario.users.filter { $0 != user }.prefix(1).map { "note:\($0)" } }
        self.user = user
        self.channels = random.some(of: channels, 1..<channels.count + 1).sorted()
        self.fromStart = random.happens(0.3)
        self.interval = random.happens(0.1) ? 300 : nil
        self.isTrusting = random.happens(0.4)
        self.readTime = random.happens(0.2) ? random.time(0.01...0.1) : .microseconds(20)
    }
}

/// Something that happens in a run, at a time.
struct Action: CustomStringConvertible {
    enum What {
        case publish([PublishedEvent], once: Bool)
        case crash(node: Int, down: Duration)
        case stop(node: Int, down: Duration)
        case freeze(node: Int, length: Duration)
        case storage(node: Int, StorageTrouble, length: Duration)
        case bus(node: Int, BusTrouble, length: Duration)
        case network(ClosedRange<Double>, length: Duration)
        case cut(client: Int)
        case sleep(client: Int, length: Duration)
        case pause(client: Int, length: Duration)
        case restart(client: Int)
        case leave(client: Int, channel: String, length: Duration)
        case loseLock
        case revoke(user: String, node: Int)
    }

    var number: Int
    var time: Duration
    var what: What

    static func all(of scenario: Scenario, _ random: inout SeededRandom) -> [Action] {
        let span = Double(scenario.span.nanoseconds) / 1e9
        var actions: [Action] = []
        var ids = 0
        for _ in 0..<random.number(10..<50) {
            let time = random.time(0.2...span - 0.6)
            actions.append(
                Action(
                    number: actions.count,
                    time: time,
                    what: .publish(PublishedEvent.some(&ids, &random), once: random.happens(0.2))
                )
            )
        }
        Self.contest(&actions, &random)
        for _ in 0..<random.number(0..<12) {
            let time = random.time(0.2...span - 0.1)
            actions.append(Action(number: actions.count, time: time, what: Self.trouble(in: scenario, &random)))
        }
        return actions.sorted { ($0.time, $0.number) < ($1.time, $1.number) }
    }

    /// Some ids are used twice, for different content: only one of the two can be committed.
    private static func contest(_ actions: inout [Action], _ random: inout SeededRandom) {
        for index in actions.indices where random.happens(0.05) {
            guard case .publish(var events, let once) = actions[index].what, !events[0].isPoison else { continue }
            for place in events.indices where events[place].id == events[0].id { events[place].isContested = true }
            actions[index].what = .publish(events, once: once)
            var other = events[0]
            other.content += 1_000
            actions.append(
                Action(
                    number: actions.count,
                    time: actions[index].time + random.time(0...0.5),
                    what: .publish([other], once: false)
                )
            )
        }
    }

    private static func trouble(in scenario: Scenario, _ random: inout SeededRandom) -> What {
        let node = random.number(0..<scenario.nodes)
        let client = random.number(0..<scenario.clients.count)
        let length = random.time(0.1...3)
        switch random.number(0..<16) {
        case 0: return .crash(node: node, down: length)
        case 1: return .stop(node: node, down: length)
        case 2: return .freeze(node: node, length: length)
        case 3, 4: return .storage(node: node, StorageTrouble(&random), length: length)
        case 5, 6: return .bus(node: node, BusTrouble(&random), length: length)
        case 7: return .network(0.01...0.5, length: length)
        case 8: return .cut(client: client)
        case 9: return .sleep(client: client, length: length * 3)
        case 10: return .pause(client: client, length: length)
        case 11: return .restart(client: client)
        case 12:
            let channel = random.one(of: scenario.clients[client].channels)
            return .leave(client: client, channel: channel, length: length)
        case 13, 14: return .loseLock
        default: return .revoke(user: random.one(of: Scenario.users), node: node)
        }
    }

    var description: String {
        switch self.what {
        case .publish(let events, let once):
            "publish \(once ? "once " : "")" + events.map(\.description).joined(separator: ", ")
        case .crash(let node, let down): "crash node \(node) for \(down)"
        case .stop(let node, let down): "stop node \(node) for \(down)"
        case .freeze(let node, let length): "freeze node \(node) for \(length)"
        case .storage(let node, let trouble, let length): "storage of node \(node): \(trouble) for \(length)"
        case .bus(let node, let trouble, let length): "bus of node \(node): \(trouble) for \(length)"
        case .network(let delay, let length): "slow network: \(delay) s for \(length)"
        case .cut(let client): "cut the connection of client \(client)"
        case .sleep(let client, let length): "client \(client) sleeps for \(length)"
        case .pause(let client, let length): "client \(client) stops reading for \(length)"
        case .restart(let client): "client \(client) restarts from its cursors"
        case .leave(let client, let channel, let length): "client \(client) leaves \(channel) for \(length)"
        case .loseLock: "end the connection of the leader"
        case .revoke(let user, let node): "revoke the tokens of \(user) on node \(node)"
        }
    }
}

extension StorageTrouble {
    fileprivate init(_ random: inout SeededRandom) {
        self.init()
        if random.happens(0.4) { self.delay = random.happens(0.5) ? 0.01...0.2 : 0.1...2 }
        if random.happens(0.4) { self.unavailable = random.one(of: [0.3, 1]) }
        if random.happens(0.4) { self.lostAnswer = 0.5 }
        if random.happens(0.4) { self.late = 0.5 }
        if random.happens(0.4) { self.failedReads = random.one(of: [0.3, 1]) }
    }
}

extension BusTrouble {
    fileprivate init(_ random: inout SeededRandom) {
        self.init()
        self.isCut = random.happens(0.3)
        if random.happens(0.5) { self.lost = random.one(of: [0.3, 1]) }
        if random.happens(0.5) { self.repeated = 0.5 }
        if random.happens(0.5) { self.delay = 0.01...1 }
    }
}

/// An event as its publisher sends it.
struct PublishedEvent: CustomStringConvertible {
    var id: String
    var type: String
    var keys: [String]
    var content: Int
    var padding: Int
    /// Whether another event has the same id and other content.
    var isContested = false

    var isPoison: Bool { self.id.utf8.starts(with: SimulatedTape.poison) }

    static func some(_ ids: inout Int, _ random: inout SeededRandom) -> [PublishedEvent] {
        var events = (0..<random.one(of: [1, 1, 1, 2, 5])).map { _ in
            ids += 1
            let type = random.one(of: ["feed", "feed", "note", "note", "price", "purse"])
            let keys =
                switch type {
                case "feed": random.one(of: [["a"], ["a"], ["b"], ["a", "b"]])
                case "price": ["x"]
                default: random.one(of: [["ann"], ["bob"], ["ann", "bob"]])
                }
            let isPoison = random.happens(0.02)
            let padding = random.one(of: [0, 0, 50, 600])
            return PublishedEvent(
                id: (isPoison ? "poison-" : "e-") + "\(ids)",
                type: type,
                keys: keys,
                content: ids,
                padding: padding
            )
        }
        // A request may have an event twice.
        if random.happens(0.1) { events.append(events[0]) }
        return events
    }

    var data: String {
        let currency = ["USD", "EUR"][self.content % 2]
        let padding = String(repeating: "x", count: self.padding)
        return "{\"n\":\(self.content),\"currency\":\"\(currency)\",\"padding\":\"\(padding)\"}"
    }

    var json: String {
        let keys = self.keys.map { "\"\($0)\"" }.joined(separator: ",")
        return "{\"id\":\"\(self.id)\",\"type\":\"\(self.type)\",\"keys\":[\(keys)],\"data\":\(self.data)}"
    }

    var description: String { "\(self.id) on \(self.keys.map { "\(self.type):\($0)" }.joined(separator: " and "))" }
}

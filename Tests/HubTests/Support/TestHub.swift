// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

/// A running hub with clients, on a tape whose calls can be held up.
struct TestHub: Sendable {
    let hub: Hub
    let tape: GatedTape
    /// Where tokens wait to be verified.
    let tokens: Gate
    let loops: [any EventLoop]
    private let clients = Clients()

    private final class Clients: Sendable {
        let all = Mutex<[TestClient]>([])
    }

    init(
        _ configuration: HubConfiguration,
        tape: GatedTape,
        bus: any Bus,
        fanIn: FanInPorts? = nil,
        tracing: Tracing? = nil,
        access: AccessStores = AccessStores(),
        loops: [any EventLoop]
    ) {
        let tokens = Gate()
        self.tape = tape
        self.tokens = tokens
        self.loops = loops
        self.hub = Hub(
            configuration: configuration,
            storage: Storage(tape, access),
            bus: bus,
            fanIn: fanIn,
            loops: loops,
            framing: .counted,
            verifier: TokenVerifier { token in
                .pending {
                    await tokens.pass()
                    return Result { () throws(TokenFault) in try Self.principal(token) }
                }
            },
            tracing: tracing,
            logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// A token is a subject and scopes with spaces between; `until=` gives the end and `iat=` the time of issue in
    /// nanoseconds, `jti=` the id.
    private static func principal(_ token: String) throws(TokenFault) -> Principal {
        if token == "expired" { throw .expired }
        let words = token.split(separator: " ").map(String.init)
        guard let subject = words.first, subject != "bad" else { throw .invalid("the token makes no sense") }
        func value(_ name: String) -> Substring? {
            words.first { $0.hasPrefix(name + "=") }.map { $0.dropFirst(name.count + 1) }
        }
        return Principal(
            subject: subject,
            scopes: Set(words.dropFirst().filter { !$0.contains("=") }),
            expires: value("until").flatMap { Int64($0) }.map { Timestamp(nanoseconds: $0) },
            issued: value("iat").flatMap { Int64($0) }.map { Timestamp(nanoseconds: $0) },
            tokenID: value("jti").map { String($0) }
        )
    }

    // MARK: - Clients

    /// Connects a client; with a token it is authenticated when this returns.
    func connect(on loop: Int = 0, token: String? = nil, now: Timestamp = .now) async throws -> TestClient {
        let client = try await TestClient.connect(to: self.hub, on: self.loops[loop], token: token, now: now)
        self.clients.all.withLock { $0.append(client) }
        if token != nil {
            try await client.expect(1, "authenticated")
        }
        return client
    }

    // MARK: - Publishing

    private static let publisher = Principal(subject: "svc", scopes: ["publish:*"])

    /// Publishes as one request, `type:key` and data each.
    @discardableResult
    func publish(_ events: [(channel: String, data: String)]) async throws -> [Receipt] {
        let outcome = try await self.hub.writer.append(try self.events(events))
        guard case .committed(let receipts) = outcome else {
            throw TimedOut(what: "a commit", state: "\(outcome)")
        }
        return receipts
    }

    /// Publishes one event.
    /// - Returns: Its number.
    @discardableResult
    func publish(_ channel: String, _ data: String = "{}") async throws -> Int {
        try #require(try await self.publish([(channel, data)]).first?.positions.first?.seq)
    }

    /// Publishes events on one channel as one request.
    func publish(_ count: Int, on channel: String, _ data: String = "{}") async throws {
        try await self.publish(Array(repeating: (channel, data), count: count))
    }

    /// Checked events, not handed in yet.
    func events(_ events: [(channel: String, data: String)]) throws -> [Event] {
        let items = try events.map { event in
            let name = try #require(ChannelName(parsing: event.channel))
            let text = #"{"type":"\#(name.type)","key":"\#(name.key)","data":\#(event.data)}"#
            return try JSON.Value.parse(Array(text.utf8))
        }
        return try self.hub.publisher.validator.events(from: items, publisher: Self.publisher, now: .now)
    }

    // MARK: - Time and state

    /// Lets every loop do what is queued.
    func settle() async throws {
        for loop in self.loops {
            try await loop.settle()
        }
    }

    /// The clock of every loop strikes.
    func tick(_ now: Timestamp = .now, uptime: NIODeadline = .now()) async {
        for shard in self.hub.shards {
            await shard.tick(now: now, uptime: uptime)
        }
    }

    func sessionCount() async -> Int {
        var count = 0
        for shard in self.hub.shards { count += await shard.sessionCount }
        return count
    }

    func subscriptionCount() async -> Int {
        var count = 0
        for shard in self.hub.shards { count += await shard.subscriptionCount }
        return count
    }

    // MARK: - Life

    fileprivate func openGates() {
        for gate in [
            self.tokens, self.tape.appends, self.tape.probes, self.tape.extents, self.tape.pages, self.tape.readPages,
            self.tape.appended,
        ] {
            gate.open()
        }
        self.tape.latests.open()
        self.tape.readLatests.open()
    }

    fileprivate func endClients() async {
        for client in self.clients.all.withLock({ $0 }) {
            await client.end()
        }
    }

    /// Nothing is left when everyone has gone.
    fileprivate func expectNothingLeaked() async throws {
        for client in self.clients.all.withLock({ $0 }) {
            #expect(client.transport.record.garbage.isEmpty)
        }
        #expect(await self.sessionCount() == 0)
        #expect(await self.subscriptionCount() == 0)
        try await eventually("all channels are given up") {
            _ = await self.hub.registry.removeIdle()
            return self.hub.registry.count == 0
        }
    }
}

/// Runs a hub for the length of a body, then ends its clients and looks for what they left.
func withHub(
    _ configuration: HubConfiguration = .forTests,
    tape: any Tape = MemoryTape(),
    bus: any Bus = InProcessBus(),
    fanIn: FanInPorts? = nil,
    tracing: Tracing? = nil,
    access: AccessStores = AccessStores(),
    loops: Int = 1,
    _ body: (TestHub) async throws -> Void
) async throws {
    let test = TestHub(
        configuration,
        tape: GatedTape(tape),
        bus: bus,
        fanIn: fanIn,
        tracing: tracing,
        access: access,
        loops: Loops.take(loops)
    )
    try await test.run(body)
}

extension TestHub {
    /// Runs the hub for the length of a body.
    func run(_ body: (TestHub) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.hub.run() }
            let result: Result<Void, any Error>
            do {
                try await body(self)
                self.openGates()
                await self.endClients()
                try await self.expectNothingLeaked()
                result = .success(())
            } catch {
                result = .failure(error)
            }
            self.openGates()
            await self.endClients()
            self.hub.shutDown()
            try await group.waitForAll()
            #expect(self.tape.log.isClosed)
            try result.get()
        }
    }
}

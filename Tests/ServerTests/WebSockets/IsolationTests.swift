// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

/// Many users at once: no frame of one reaches another, and each gets all of its own.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct IsolationTests {
    private static let users = (1...6).map { "u_\($0)" }
    private static let rounds = 400

    /// One event; its data names the user that it is for.
    private static func event(_ number: Int, using random: inout SplitMix) -> (text: String, users: [String]) {
        if Bool.random(using: &random) {
            let user = Self.users.randomElement(using: &random) ?? ""
            let text =
                #"{"type":"balanceUpdate","id":"e-\#(number)","#
                + #""data":{"userId":"\#(user)","currency":"C\#(number)","balance":"\#(number)","for":["\#(user)"]}}"#
            return (text, [user])
        }
        let users = Array(Self.users.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)))
        let text =
            #"{"type":"transactionUpdate","keys":\#(users),"id":"e-\#(number)","#
            + #""data":{"type":"p2p","amount":"\#(number)","status":"new","for":\#(users)}}"#
        return (text, users)
    }

    private static func open(_ server: TestServer, _ user: String) async throws -> Socket {
        let socket = try await server.open(token: try await server.tokens.user(user))
        try await socket.send(
            #"{"op":"subscribe","channels":[{"channel":"balanceUpdate","since":0},{"channel":"transactionUpdate","since":0}]}"#
        )
        return socket
    }

    /// Takes messages until all that a user must get have come; none may be another's.
    private static func take(_ socket: Socket, of user: String, wanted: Set<String>) async throws {
        var seen: Set<String> = []
        var last: [String: Int] = [:]
        while seen.count < wanted.count {
            let message = try await socket.next()
            if message["op"]?.string == "heartbeat" {
                #expect(message["heads"]?.names.allSatisfy { $0.hasSuffix(":" + user) } == true)
                continue
            }
            let channel = try #require(message["channel"]?.string, "\(message.written)")
            #expect(channel.hasSuffix(":" + user))
            guard message["op"]?.string == "event" else { continue }
            let owners = message["data"]?["for"]?.elements.compactMap(\.string) ?? []
            #expect(owners.contains(user), "\(user) got \(message.written)")
            #expect(message["seq"]?.integer(in: .seq) == last[channel, default: 0] + 1)
            last[channel] = message["seq"]?.integer(in: .seq)
            #expect(seen.insert(try #require(message["id"]?.string)).inserted)
        }
        #expect(seen == wanted)
    }

    /// All the while connections come and go without a farewell, so that their descriptors are used again.
    @Test(arguments: [11, 12, 13] as [UInt64])
    func nobodyGetsWhatIsAnothers(_ seed: UInt64) async throws {
        var setup = Setup()
        setup.loops = 2
        try await withServer(setup) { server in
            var random = SplitMix(seed: seed)
            var sockets: [(user: String, socket: Socket)] = []
            for user in Self.users { sockets.append((user, try await Self.open(server, user))) }
            var wanted: [String: Set<String>] = [:]
            var passing: [Socket] = []
            for number in 1...Self.rounds {
                let event = Self.event(number, using: &random)
                for user in event.users { wanted[user, default: []].insert("e-\(number)") }
                async let published: Void = { _ = try await server.publish(event.text) }()
                if Int.random(in: 0..<4, using: &random) == 0 {
                    passing.append(try await Self.open(server, Self.users.randomElement(using: &random) ?? ""))
                }
                if passing.count > 3 { await passing.remove(at: Int.random(in: 0...3, using: &random)).wire.close() }
                try await published
            }
            // One that comes last reads all from the tape.
            for user in Self.users { sockets.append((user, try await Self.open(server, user))) }
            for (user, socket) in sockets {
                try await Self.take(socket, of: user, wanted: wanted[user] ?? [])
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct RevocationTests {
    private static func configuration(poll: Duration) -> HubConfiguration {
        var configuration = HubConfiguration.forTests
        configuration.revocationPoll = poll
        return configuration
    }

    @Test func revokedSessionsAreClosedAndNoOthers() async throws {
        try await withHub(loops: 2) { hub in
            let clients = try await [
                hub.connect(on: 0, token: "u_1 jti=a iat=1"), hub.connect(on: 1, token: "u_1 jti=b iat=1"),
                hub.connect(on: 0, token: "u_2 jti=c iat=1"), hub.connect(on: 1, token: "u_2 jti=d iat=1"),
                hub.connect(on: 1),
            ]
            for client in clients.prefix(4) { try await client.subscribe("mine") }
            try await hub.hub.revoke([Revocation(.token("c"), time: .now)])
            #expect(try await clients[2].closing() == .revoked)
            try await hub.hub.revoke([Revocation(.subject("u_1"), time: .now)])
            #expect(try await clients[0].closing().code == 4502)
            #expect(try await clients[1].closing() == .revoked)
            try await hub.hub.revoke([Revocation(.session(clients[4].session.id), time: .now)])
            #expect(try await clients[4].closing() == .revoked)
            #expect(!clients[3].isClosed)
            #expect(await hub.sessionCount() == 1)
            #expect(await hub.subscriptionCount() == 1)
            try await hub.publish([("mine:u_1", "{}"), ("mine:u_2", "{}")])
            try await clients[3].events(on: "mine:u_2", through: 1)
            for client in clients.prefix(3) { #expect(client.messages("event").isEmpty) }
        }
    }

    @Test func revokedTokensAreRefusedAndLaterOnesAreNot() async throws {
        try await withHub { hub in
            let time = Timestamp.now
            try await hub.hub.revoke([Revocation(.subject("u_1"), time: time)])
            for token in ["u_1", "u_1 iat=\(time.nanoseconds)"] {
                let client = try await hub.connect()
                try await client.send(#"{"op":"auth","id":1,"token":"\#(token)"}"#)
                #expect(try await client.answer(1, op: "error")["code"]?.string == "revoked")
                #expect(try await client.closing() == .revoked)
            }
            let client = try await hub.connect(token: "u_1 iat=\(time.nanoseconds + 1)")
            try await client.subscribe("mine")
            #expect(try await hub.hub.lift(.subject("u_1")))
            #expect(try await hub.hub.lift(.subject("u_1")) == false)
            _ = try await hub.connect(token: "u_1")
            #expect(!client.isClosed)
        }
    }

    /// The token is being verified while it is revoked: it may come to nothing on either way.
    @Test func tokenThatIsRevokedWhileItIsVerifiedIsRefused() async throws {
        try await withHub { hub in
            hub.tokens.close()
            let client = try await hub.connect()
            try await client.send(#"{"op":"auth","id":1,"token":"u_1 jti=a"}"#)
            try await hub.tokens.waitForArrivals(1)
            try await hub.hub.revoke([Revocation(.token("a"), time: .now)])
            hub.tokens.open()
            #expect(try await client.closing() == .revoked)
            #expect(client.messages("authenticated").isEmpty)
        }
    }

    /// A session keeps what it has when its user presents a revoked token: that of another device, say.
    @Test func refreshWithARevokedTokenChangesNothing() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1 jti=a")
            try await hub.hub.revoke([Revocation(.token("b"), time: .now)])
            try await client.send(#"{"op":"auth","id":1,"token":"u_1 jti=b"}"#)
            #expect(try await client.answer(1, op: "error")["code"]?.string == "revoked")
            try await client.send(#"{"op":"ping","id":2}"#)
            try await client.answer(2, op: "pong")
        }
    }

    /// The token is looked at as it was refreshed last.
    @Test func refreshedSessionIsThatOfItsNewToken() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "u_1 jti=a iat=1")
            try await client.send(#"{"op":"auth","id":1,"token":"u_1 jti=b iat=1"}"#)
            try await client.answer(1, op: "authenticated")
            try await hub.hub.revoke([Revocation(.token("a"), time: .now)])
            try await hub.settle()
            #expect(!client.isClosed)
            try await hub.hub.revoke([Revocation(.token("b"), time: .now)])
            #expect(try await client.closing() == .revoked)
        }
    }

    @Test func otherNodesAreToldByTheBus() async throws {
        let exchange = InProcessBus.Exchange()
        let access = AccessStores(revocations: SharedAccessStore())
        // Not by looking: that would take as long as the test may.
        let configuration = Self.configuration(poll: .seconds(10_000))
        func bus() -> InProcessBus { InProcessBus(exchange: exchange) }
        try await withHub(configuration, bus: bus(), access: access, loops: 2) { here in
            try await withHub(configuration, bus: bus(), access: access) { there in
                try await eventually("the nodes have met") {
                    here.hub.bus.reach == .connected && there.hub.bus.reach == .connected
                }
                let client = try await there.connect(token: "u_1 jti=a")
                try await here.hub.revoke([Revocation(.token("a"), time: .now)])
                #expect(try await client.closing() == .revoked)
                #expect(there.hub.unlessRevoked(.success(Principal(subject: "x", tokenID: "a"))) == .failure(.revoked))
                #expect(try await there.hub.lift(.token("a")))
                try await eventually("it is lifted here as well") { here.hub.revocations.list.count == 0 }
            }
        }
    }

    @Test func withoutABusNodesLookForThemselves() async throws {
        let store = SharedAccessStore()
        let access = AccessStores(revocations: store)
        let configuration = Self.configuration(poll: .milliseconds(5))
        try await withHub(configuration, access: access) { here in
            try await withHub(configuration, access: access) { there in
                let client = try await there.connect(token: "u_1 jti=a")
                try await here.hub.revoke([Revocation(.token("a"), time: .now)])
                #expect(try await client.closing() == .revoked)
                // And after the database was away.
                store.fail(.unavailable("away"))
                let other = try await there.connect(token: "u_1 jti=b")
                await #expect(throws: TapeFault.unavailable("away")) {
                    try await here.hub.revoke([Revocation(.token("b"), time: .now)])
                }
                #expect(!other.isClosed)
                store.fail(nil)
                try await here.hub.revoke([Revocation(.token("b"), time: .now)])
                #expect(try await other.closing() == .revoked)
            }
        }
    }

    @Test func whatWasRevokedBeforeTheStartHolds() async throws {
        let store = SharedAccessStore()
        try await store.revoke((0..<2_500).map { Revocation(.token("t\($0)"), time: .now) })
        try await withHub(access: AccessStores(revocations: store)) { hub in
            try await hub.hub.loadRevocations()
            #expect(hub.hub.revocations.list.count == 2_500)
            let client = try await hub.connect()
            try await client.send(#"{"op":"auth","id":1,"token":"u_1 jti=t2499"}"#)
            #expect(try await client.closing() == .revoked)
        }
    }

    @Test func refreshWithFewerScopesEndsWhatTheyAllowed() async throws {
        try await withHub { hub in
            let client = try await hub.connect(token: "svc read:ops read:mine")
            for channel in ["ops:a", "mine:u_1", "mine", "note:k"] { try await client.subscribe(channel) }
            try await client.send(#"{"op":"auth","id":1,"token":"svc read:mine"}"#, #"{"op":"ping","id":2}"#)
            try await client.answer(2, op: "pong")
            #expect(
                client.messages("unsubscribed").map(\.json) == [
                    #"{"op":"unsubscribed","channel":"ops:a","reason":"forbidden"}"#
                ]
            )
            try await client.send(#"{"op":"auth","id":3,"token":"svc"}"#, #"{"op":"ping","id":4}"#)
            try await client.answer(4, op: "pong")
            #expect(client.messages("unsubscribed").last?["channel"]?.string == "mine:u_1")
            #expect(await hub.subscriptionCount() == 2)
            try await hub.publish([("ops:a", "{}"), ("mine:u_1", "{}"), ("mine:svc", "{}"), ("note:k", "{}")])
            try await client.events(on: "note:k", through: 1)
            try await client.events(on: "mine:svc", through: 1)
            #expect(client.messages("event").count == 2)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct AuditTrailTests {
    private func withTrail(
        _ change: (inout HubConfiguration) -> Void = { _ in },
        _ body: (TestHub, SharedAccessStore) async throws -> Void
    ) async throws {
        let store = SharedAccessStore()
        var configuration = HubConfiguration.forTests
        configuration.audit.interval = .milliseconds(5)
        change(&configuration)
        try await withHub(configuration, access: AccessStores(audit: store)) { hub in
            try await body(hub, store)
        }
    }

    private func event(_ channel: String, id: String? = nil) -> String {
        let parts = channel.split(separator: ":")
        return #"{"type":"\#(parts[0])","key":"\#(parts[1])"\#(id.map { #","id":"\#($0)""# } ?? ""),"data":{}}"#
    }

    /// Sums of a trail, whatever the batches.
    private static func sums(_ state: SharedAccessStore.State) -> [String: Int] {
        state.records.reduce(into: [:]) {
            $0["\($1.actor) \($1.action.rawValue) \($1.object) \($1.result)", default: 0] += $1.count
        }
    }

    @Test func whoPublishesWhatIsAddedUp() async throws {
        try await self.withTrail { hub, store in
            let client = try await hub.connect(token: "svc publish:note publish:mine")
            let other = try await hub.connect(token: "u_1")
            for round in 0..<10 {
                let events = [
                    self.event("note:a"), self.event("note:b"), self.event("mine:u"), self.event("note:c", id: "same"),
                ]
                try await client.send(#"{"op":"publish","id":\#(round),"events":[\#(events.joined(separator: ","))]}"#)
                try await client.answer(round, op: "published")
            }
            try await client.send(#"{"op":"publish","id":20,"events":[\#(self.event("ops:a"))]}"#)
            try await client.answer(20, op: "error")
            try await other.send(
                #"{"op":"publish","id":21,"events":[{"type":"\#(String(repeating: "x", count: 99))"}]}"#
            )
            try await other.answer(21, op: "error")
            let wanted = [
                "svc publish note accepted": 21, "svc publish note duplicate": 9, "svc publish mine accepted": 10,
                "svc publish ops forbidden": 1, "u_1 publish  forbidden": 1,
            ]
            try await store.wait(for: "the sums") { Self.sums($0) == wanted }
            #expect(store.value.records.allSatisfy { $0.node == "node-1" })
        }
    }

    @Test func supportMayReadAndThatIsPutDown() async throws {
        try await self.withTrail { hub, store in
            try await hub.publish("mine:u_1")
            let support = try await hub.connect(token: "anna support:read")
            try await support.subscribe("mine:u_1", #""since":0"#)
            try await support.events(on: "mine:u_1", through: 1)
            try await support.subscribe("mine")
            try await support.subscribe("note:a")
            try await support.send(#"{"op":"history","id":7,"channel":"mine:u_2"}"#)
            try await support.answer(7, op: "history")
            // Scope types and publishing are not support's.
            try await support.send(#"{"op":"subscribe","id":8,"channel":"ops:a"}"#)
            #expect(try await support.answer(8, op: "error")["code"]?.string == "forbidden")
            let user = try await hub.connect(token: "u_1")
            try await user.subscribe("mine")
            try await store.wait(for: "both reads") { $0.records.count == 2 }
            #expect(store.value.records.map(\.object) == ["mine:u_1", "mine:u_2"])
            #expect(store.value.records.map(\.detail) == ["subscribe", "history"])
            #expect(store.value.records.allSatisfy { $0.actor == "anna" && $0.action == .supportRead })
        }
    }

    @Test func withoutTheScopeThereIsNoSupport() async throws {
        try await self.withTrail {
            $0.supportScope = nil
        } _: { hub, _ in
            let client = try await hub.connect(token: "anna support:read")
            try await client.send(#"{"op":"subscribe","id":1,"channel":"mine:u_1"}"#)
            #expect(try await client.answer(1, op: "error")["code"]?.string == "forbidden")
        }
    }

    @Test func whatCannotBePutDownIsNotRead() async throws {
        try await self.withTrail {
            $0.audit.waiting = 3
        } _: { hub, store in
            store.fail(.unavailable("away"))
            let support = try await hub.connect(token: "anna support:read")
            for number in 0..<3 { try await support.subscribe("mine:u_\(number)") }
            try await eventually("the trail is full") {
                try await support.send(#"{"op":"history","id":1,"channel":"mine:u_9"}"#)
                let answer = try await support.answer(1)
                return answer["code"]?.string == "unavailable"
            }
            // Publishing continues, and its summaries stay within the limit.
            for number in 0..<20 {
                let client = try await hub.connect(token: "svc\(number) publish:note")
                try await client.send(#"{"op":"publish","id":1,"events":[\#(self.event("note:a"))]}"#)
                try await client.answer(1, op: "published")
            }
            #expect(hub.hub.audit.waiting <= 8)
            store.fail(nil)
            try await store.wait(for: "everything") { state in
                state.records.reduce(0) { $0 + ($1.action == .publish ? $1.count : 0) } == 20
                    && state.records.count { $0.action == .supportRead } >= 3
            }
            #expect(store.value.records.contains { $0.actor == "*" })
        }
    }

    @Test func whatIsLeftIsWrittenAtTheEnd() async throws {
        let store = SharedAccessStore()
        var configuration = HubConfiguration.forTests
        configuration.audit.interval = .seconds(10_000)
        try await withHub(configuration, access: AccessStores(audit: store)) { hub in
            let client = try await hub.connect(token: "svc publish:note")
            try await client.send(#"{"op":"publish","id":1,"events":[\#(self.event("note:a"))]}"#)
            try await client.answer(1, op: "published")
            #expect(store.value.records.isEmpty)
        }
        #expect(store.value.records.map(\.count) == [1])
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TracingTests {
    private static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private let spans = Watched<[Span]>([])

    private func tracing(sampled: Double = 0) -> Tracing {
        let spans = self.spans
        return Tracing(sampled: sampled) { span in spans.change { $0.append(span) } }
    }

    private func span(_ name: String) async throws -> Span {
        try await self.spans.wait(for: name) { spans in spans.contains { $0.name == name } }
        return try #require(self.spans.value.first { $0.name == name })
    }

    @Test func anEventIsFollowedToItsSubscribers() async throws {
        try await withHub(tracing: self.tracing(sampled: 1)) { hub in
            let reader = try await hub.connect()
            try await reader.subscribe("note:k")
            let publisher = try await hub.connect(token: "svc publish:*")
            try await publisher.send(#"{"op":"publish","id":1,"events":[{"type":"note","key":"k","data":{}}]}"#)
            let event = try #require(try await reader.expect(1, "event").first)
            let accept = try await self.span("accept")
            let commit = try await self.span("commit")
            let told = try await self.span("fan-out")
            #expect(accept.kind == .server && accept.parentID == nil && accept.failure == nil)
            #expect(event["traceparent"]?.string == accept.context.traceparent)
            for span in [commit, told] {
                #expect(span.context.traceID == accept.context.traceID)
                #expect(span.parentID == accept.context.spanID)
                #expect(span.context.spanID != accept.context.spanID)
            }
            #expect(accept.start <= commit.start && commit.start <= commit.end && commit.end <= accept.end)
            #expect(told.start <= told.end)
        }
    }

    @Test func aTraceOfThePublisherIsKept() async throws {
        try await withHub(tracing: self.tracing()) { hub in
            let publisher = try await hub.connect(token: "svc publish:*")
            try await publisher.send(
                #"{"op":"publish","id":1,"events":[{"type":"note","key":"k","traceparent":"\#(Self.parent)","data":{}}]}"#
            )
            try await publisher.answer(1, op: "published")
            let commit = try await self.span("commit")
            #expect(commit.parentID == "b7ad6b7169203331")
            #expect(commit.attributes.map(\.name) == ["broadtape.batch"])
            // From the tape, too, as one who comes later reads it.
            let reader = try await hub.connect()
            try await reader.subscribe("note:k", #""since":0"#)
            #expect(try await reader.expect(1, "event").first?["traceparent"]?.string == Self.parent)
            try await reader.send(#"{"op":"history","id":9,"channel":"note:k","after":0,"limit":1}"#)
            let history = try await reader.answer(9, op: "history")
            #expect(history["events"]?.elements.first { _ in true }?["traceparent"]?.string == Self.parent)
        }
    }

    @Test(arguments: [#""nonsense""#, "7", "null", #""00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00""#])
    func nothingIsRecordedThatNobodyRecords(traceparent: String) async throws {
        try await withHub(tracing: self.tracing()) { hub in
            let publisher = try await hub.connect(token: "svc publish:*")
            try await publisher.send(
                #"{"op":"publish","id":1,"events":[{"type":"note","key":"k","traceparent":\#(traceparent),"data":{}}]}"#
            )
            try await publisher.answer(1, op: "published")
            try await hub.settle()
            #expect(self.spans.value.isEmpty)
        }
    }

    @Test func whatIsRefusedIsSeen() async throws {
        try await withHub(tracing: self.tracing(sampled: 1)) { hub in
            let publisher = try await hub.connect(token: "svc publish:*")
            try await publisher.send(#"{"op":"publish","id":1,"events":[{"type":"nothing","key":"k","data":{}}]}"#)
            try await publisher.answer(1, op: "error")
            #expect(try await self.span("accept").failure == "unknown_type")
            hub.tape.fail(.append, .before(.unavailable("away")))
            try await publisher.send(#"{"op":"publish","id":2,"events":[{"type":"note","key":"k","data":{}}]}"#)
            try await publisher.answer(2, op: "error")
            #expect(try await self.span("commit").failure == "unavailable")
        }
    }

    /// The same event sent again by a retry is the same, whatever trace the retry belongs to.
    @Test func theTraceIsNoPartOfTheEvent() async throws {
        try await withHub { hub in
            var events = try hub.events([("note:k", "{}")])
            _ = try await hub.hub.writer.append(events)
            events[0].trace = .begin()
            guard case .committed(let receipts) = try await hub.hub.writer.append(events) else {
                Issue.record("a conflict")
                return
            }
            #expect(receipts.map(\.status) == [.duplicate])
        }
    }
}

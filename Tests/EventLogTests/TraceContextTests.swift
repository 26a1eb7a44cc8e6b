// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let parent = "b7ad6b7169203331"

    @Test(arguments: [("01", true), ("00", false), ("03", true), ("fe", false)])
    func partsAreRead(flags: String, isSampled: Bool) throws {
        let text = "00-\(Self.trace)-\(Self.parent)-\(flags)"
        let context = try #require(TraceContext(text))
        #expect(context.traceparent == text)
        #expect(context.traceID == Self.trace)
        #expect(context.spanID == Self.parent)
        #expect(context.isSampled == isSampled)
    }

    @Test func aLaterVersionIsReadAsFarAsItIsKnown() {
        let context = TraceContext("cc-\(Self.trace)-\(Self.parent)-01-what-the-future-will-be")
        #expect(context?.traceparent == "00-\(Self.trace)-\(Self.parent)-01")
        #expect(TraceContext("cc-\(Self.trace)-\(Self.parent)-01") != nil)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-0", "00-\(trace)-\(parent)-01-more",
        "00-\(trace)-\(parent)-01 ", "ff-\(trace)-\(parent)-01", "cc-\(trace)-\(parent)-01more",
        "00-\(trace.uppercased())-\(parent)-01", "00-00000000000000000000000000000000-\(parent)-01",
        "00-\(trace)-0000000000000000-01", "00_\(trace)_\(parent)_01", "00-\(trace)-\(parent)-0g",
        "00-é\(trace.dropFirst(2))-\(parent)-01",
    ])
    func whatIsMalformedIsNone(text: String) {
        #expect(TraceContext(text) == nil)
    }

    @Test func aChildIsOfTheSameTrace() throws {
        let context = TraceContext.begin()
        #expect(TraceContext(context.traceparent) == context)
        #expect(context.isSampled)
        let child = context.child()
        #expect(child.traceID == context.traceID)
        #expect(child.spanID != context.spanID)
        #expect(child.isSampled)
        let unsampled = try #require(TraceContext("00-\(Self.trace)-\(Self.parent)-00"))
        #expect(!unsampled.child().isSampled)
    }
}

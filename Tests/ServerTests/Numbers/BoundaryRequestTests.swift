// SPDX-License-Identifier: Apache-2.0

import EventLog
import Hub
import JSON
import TestSupport
import Testing

@testable import Server

/// Numbers in requests at the limits: each is taken or refused, and the server continues.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct BoundaryRequestTests {
    private static let rate = #"{"type":"rateChange","key":"A","id":"r-1","data":{"rate":"1"}}"#

    @Test func eventsAfterEveryNumber() async throws {
        try await withServer { server in
            try await server.publish(Self.rate)
            for number in BoundaryNumbers.text {
                let answer = try await server.request(.get("/channels/rateChange:A/events?after=\(number.text)"))
                guard let after = number.seq else {
                    try answer.expectProblem(400, "bad_request")
                    let detail = try answer.json()["detail"]?.string
                    #expect(detail?.contains("a whole number from 0 to 9007199254740991") == true, "\(number.text)")
                    continue
                }
                guard after <= 1 else {
                    try answer.expectProblem(410, "cursor_expired")
                    continue
                }
                #expect(answer.status == 200, "\(number.text): \(answer.text)")
                #expect(try answer.json()["events"]?.count == 1 - after, "\(number.text)")
            }
        }
    }

    @Test(arguments: [
        "/channels/rateChange:A/events?limit=", "/channels?limit=", "/rates?limit=", "/transactions?limit=",
        "/wallets?limit=",
    ])
    func limitsOfEveryPage(_ target: String) async throws {
        try await withServer { server in
            let token = try await server.tokens.user("u_1")
            for number in BoundaryNumbers.text {
                let answer = try await server.request(.get(target + number.text, token: token))
                let isRight = number.seq.map { (1...1000).contains($0) } ?? false
                // A tape in memory has no rows to show.
                let expected = isRight ? [200, 404] : [400, 404]
                #expect(expected.contains(answer.status), "\(number.text): \(answer.text)")
            }
        }
    }

    @Test func streamsBeginAtEveryNumber() async throws {
        try await withServer { server in
            try await server.publish(Self.rate)
            for number in BoundaryNumbers.text where (number.seq ?? 0) <= 1 {
                let target = "/stream?channel=rateChange:A&since=\(number.text)"
                guard number.seq == nil else {
                    _ = try await server.stream("channel=rateChange:A&since=\(number.text)")
                    continue
                }
                try await server.request(.get(target)).expectProblem(400, "bad_request")
            }
            for number in BoundaryNumbers.text where number.seq == nil {
                let fields = [(name: "Last-Event-ID", value: "1,AbCdEf.k3abcdef.\(number.text)")]
                let request = Request("GET", "/stream?channel=rateChange:A", fields: fields)
                try await server.request(request).expectProblem(400, "bad_request")
            }
        }
    }

    @Test func operatorsAskWithEveryNumber() async throws {
        let store = SharedAccessStore()
        var setup = Setup()
        setup.isAdmin = true
        setup.access = AccessStores(revocations: store, audit: store)
        try await withServer(setup) { server in
            try await server.publish(Self.rate)
            let targets = [
                "/channels/rateChange:A/events?after=", "/channels?limit=", "/audit?before=", "/audit?limit=",
                "/dead-letters?limit=", "/sessions?limit=", "/revocations?limit=",
            ]
            for target in targets {
                for number in BoundaryNumbers.text {
                    let answer = try await server.request(.get(target + number.text))
                    let isRight =
                        number.seq.map {
                            target.hasSuffix("limit=")
                                ? (1...1000).contains($0) : target.contains("before") ? $0 > 0 : true
                        } ?? false
                    // The channel has one event.
                    let isBeyond = target.contains("after") && number.seq ?? 0 > 1
                    let status = isBeyond ? 410 : isRight ? 200 : 400
                    #expect(answer.status == status, "\(target)\(number.text): \(answer.text)")
                }
            }
        }
    }

    /// How long a body is said to be.
    @Test func lengthsOfEveryNumber() throws {
        for number in BoundaryNumbers.text where !number.text.contains("%") {
            let text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(number.text)\r\n\r\n"
            let finding = RequestScannerTests.Finding.of(text)
            // A length is digits, at most 18 of them.
            let isRight =
                (1...18).contains(number.text.utf8.count) && number.text.utf8.allSatisfy { (0x30...0x39).contains($0) }
            #expect((finding.fault == nil) == isRight, "\(number.text): \(finding)")
            #expect(finding.heads.count == (isRight ? 1 : 0), "\(number.text)")
        }
    }

    /// How long a chunk is said to be.
    @Test(arguments: [
        ("0", true), ("ffffffff", true), ("00000000", true), ("100000000", false), ("7fffffffffffffff", false),
        ("8000000000000000", false), ("ffffffffffffffff", false), ("-1", false), ("", false), ("g", false),
        ("+1", false),
        (String(repeating: "0", count: 400), false),
    ])
    func chunksOfEveryLength(_ size: String, _ isRight: Bool) {
        let text = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\(size)\r\n"
        #expect((RequestScannerTests.Finding.of(text).fault == nil) == isRight)
    }
}

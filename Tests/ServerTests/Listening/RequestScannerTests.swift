// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import WebSocket

@testable import Server

/// What is let through to the HTTP codec, and what is not.
@Suite struct RequestScannerTests {
    /// What a scanner found in bytes, however they were cut.
    struct Finding: Equatable, CustomStringConvertible {
        var passed: [UInt8] = []
        var heads: [RequestHead] = []
        var ends = 0
        var fault: RequestFault?

        var description: String {
            "\(self.heads.count) heads, \(self.ends) ends, \(self.passed.count) bytes, \(self.fault.map(String.init) ?? "")"
        }

        init(_ pieces: some Sequence<ArraySlice<UInt8>>, limits: HeadLimits = RequestScanner.headLimits) {
            var scanner = RequestScanner(limits: limits)
            for piece in pieces {
                scanner.receive(ByteBuffer(bytes: piece))
                while let event = scanner.next() {
                    switch event {
                    case .head(let head, let bytes):
                        self.heads.append(head)
                        self.passed += Array(buffer: bytes)
                    case .body(let bytes):
                        self.passed += Array(buffer: bytes)
                    case .end:
                        self.ends += 1
                    case .fault(let fault):
                        self.fault = fault
                        // How much of a body has passed by then depends on the pieces it came in.
                        if fault.isInBody { self.passed = [] }
                    }
                }
            }
        }

        /// The text whole, byte by byte and cut in two in the middle must come to the same.
        static func of(_ text: String, limits: HeadLimits = RequestScanner.headLimits) -> Finding {
            let bytes = Array(text.utf8)
            let whole = Finding([bytes[...]], limits: limits)
            let bytewise = Finding(bytes.indices.map { bytes[$0...$0] }, limits: limits)
            let middle = bytes.count / 2
            let halves = Finding([bytes[..<middle], bytes[middle...]], limits: limits)
            #expect(bytewise == whole, "\(text.debugDescription.prefix(300))")
            #expect(halves == whole, "\(text.debugDescription.prefix(300))")
            return whole
        }
    }

    static let good: [(text: String, requests: Int)] = [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 1), ("GET / HTTP/1.0\r\n\r\n", 1),
        ("GET /a?b=c HTTP/1.1\r\nhOST:h\r\nX:\r\nY: \t a b \t\r\n\r\n", 1),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 1),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 2),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 03\r\n\r\nabcGET / HTTP/1.1\r\nHost: h\r\n\r\n", 2),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n",
            1
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding:chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0;x\r\n\r\n", 1),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
            2
        ),
        ("GET / HTTP/1.1\r\nHost: h\r\nX-Name: \u{fc}\u{4e2d}\r\n\r\n", 1),
        // Bodies are not looked at.
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\0\n\r\u{7f}", 1),
    ]

    @Test(arguments: Self.good)
    func goodRequestsAreLetThroughWhole(_ text: String, _ requests: Int) {
        let finding = Finding.of(text)
        #expect(finding.fault == nil)
        #expect(finding.heads.count == requests)
        #expect(finding.ends == requests)
        #expect(finding.passed == Array(text.utf8))
    }

    private static let longExtension = "3;\(String(repeating: "x", count: 1100))\r\nabc\r\n"
    private static let host = "POST / HTTP/1.1\r\nHost: h\r\n"

    /// Request heads that must be rejected; `%` is replaced by the start of a valid one.
    static let badHeads: [(text: String, fault: RequestFault)] = [
        ("%Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", .twoLengths),
        ("%Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", .twoLengths),
        ("%Content-Length: 3\r\nContent-Length: 4\r\n\r\n", .contentLength),
        ("%Content-Length: 3\r\ncontent-length: 3\r\n\r\n", .contentLength),
        ("%Content-Length: 3, 3\r\n\r\n", .contentLength),
        ("%Content-Length: +3\r\n\r\n", .contentLength),
        ("%Content-Length: -3\r\n\r\n", .contentLength),
        ("%Content-Length: 0x3\r\n\r\n", .contentLength),
        ("%Content-Length: 3 4\r\n\r\n", .contentLength),
        ("%Content-Length:\r\n\r\n", .contentLength),
        ("%Content-Length: 18446744073709551619\r\n\r\n", .contentLength),
        ("%Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncoding),
        ("%Transfer-Encoding: gzip, chunked\r\n\r\n", .transferEncoding),
        ("%Transfer-Encoding: chunked, identity\r\n\r\n", .transferEncoding),
        ("%Transfer-Encoding: xchunked\r\n\r\n", .transferEncoding),
        ("%Transfer-Encoding:\r\n\r\n", .transferEncoding),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncoding),
        ("%Transfer-Encoding : chunked\r\n\r\n", .head(.malformedField(number: 2))),
        ("%Content-Length : 3\r\n\r\n", .head(.malformedField(number: 2))),
        ("%Transfer-Encoding\r\n\r\n", .head(.malformedField(number: 2))),
        ("%: x\r\n\r\n", .head(.malformedField(number: 2))),
        ("%A\u{e9}: x\r\n\r\n", .head(.malformedField(number: 2))),
        ("%X: a\r\n b\r\n\r\n", .head(.foldedField)),
        ("%X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n", .head(.foldedField)),
        ("POST / HTTP/1.1\r\n Host: h\r\n\r\n", .head(.foldedField)),
        ("%X: a\nTransfer-Encoding: chunked\r\n\r\n", .head(.bareLineBreak)),
        ("%X: a\rY: b\r\n\r\n", .head(.bareLineBreak)), ("GET / HTTP/1.1\nHost: h\n\n", .head(.bareLineBreak)),
        ("%X: a\r\n\rX", .head(.bareLineBreak)), ("%X: a\0b\r\n\r\n", .head(.controlCharacter(0))),
        ("%X: a\u{7f}\r\n\r\n", .head(.controlCharacter(0x7F))),
        ("%X\u{b}: a\r\n\r\n", .head(.controlCharacter(0x0B))),
        ("\u{16}\u{3}\u{1}\u{2}", .head(.controlCharacter(0x16))), ("\r\n\r\n", .malformedRequestLine),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET /\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("G(T / HTTP/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        (" / HTTP/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET / http/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/11\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/1.2\r\nHost: h\r\n\r\n", .version), ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", .version),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .version), ("GET / HTTP/1.1\r\n\r\n", .host),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .host),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .host),
        ("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", .method), ("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", .method),
        ("%Expect: 200-ok\r\n\r\n", .expectation),
    ]

    @Test(arguments: Self.badHeads)
    func badHeadsAreNotLetThrough(_ text: String, _ fault: RequestFault) {
        let text = text.replacing("%", with: Self.host)
        let finding = Finding.of(text)
        #expect(finding.fault == fault)
        #expect(finding.passed.isEmpty && finding.heads.isEmpty)
        // Nor after a good request, nor is a request behind it.
        let between = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        let second = Finding.of(between + text + between)
        #expect(second.fault == fault)
        #expect(second.passed == Array(between.utf8) && second.ends == 1)
    }

    @Test(arguments: [
        ("g\r\n", RequestFault.chunk), ("\r\n", .chunk), (" 3\r\nabc\r\n", .chunk), ("3 \r\nabc\r\n", .chunk),
        ("0x3\r\nabc\r\n", .chunk), ("+3\r\nabc\r\n", .chunk), ("-1\r\n", .chunk), ("3\nabc\r\n", .chunk),
        ("3\r\nabcd\r\n", .chunk), ("3\r\nab\r\n", .chunk), ("3\r\nabc\n", .chunk), ("3\r\nabc\r\r", .chunk),
        ("100000000\r\n", .chunk), ("000000003\r\nabc\r\n", .chunk), ("3\rX", .chunk), ("3;\0\r\n", .chunk),
        ("3;a\nabc", .chunk), (Self.longExtension, .chunk),
        ("0\r\nX: y\r\n\r\n", .trailer), ("0\r\nTransfer-Encoding: chunked\r\n\r\n", .trailer), ("0\r\n\rX", .chunk),
    ])
    func badChunksEndIt(_ body: String, _ fault: RequestFault) {
        let head = Self.host + "Transfer-Encoding: chunked\r\n\r\n"
        let finding = Finding.of(head + body)
        #expect(finding.fault == fault)
        #expect(finding.heads.count == 1 && finding.ends == 0)
    }

    /// A codec that takes what follows for another protocol would never see the requests there.
    @Test(arguments: ["Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "upgrade:x\r\nContent-Length: 0\r\n\r\n"])
    func nothingFollowsARequestToUpgrade(_ fields: String) throws {
        let request = "GET / HTTP/1.1\r\nHost: h\r\n" + fields
        let finding = Finding.of(request + "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(finding.fault == nil)
        #expect(finding.passed == Array(request.utf8) && finding.ends == 1)
        #expect(try #require(finding.heads.first).isLast)
    }

    @Test
    func headsHaveALimit() {
        let limits = HeadLimits(bytes: 100, fields: 3)
        let head = "GET / HTTP/1.1\r\nHost: h\r\nX: "
        for length in [0, 50, 100 - head.utf8.count - 4] {
            #expect(Finding.of("\(head)\(String(repeating: "x", count: length))\r\n\r\n", limits: limits).fault == nil)
        }
        let long = head + String(repeating: "x", count: 100 - head.utf8.count - 3)
        #expect(Finding.of(long + "\r\n\r\n", limits: limits).fault == .head(.tooLarge(limit: 100)))
        #expect(
            Finding.of(head + String(repeating: "x", count: 200), limits: limits).fault == .head(.tooLarge(limit: 100))
        )
        let many = "GET / HTTP/1.1\r\nHost: h\r\nA: \r\nB: \r\nC: \r\n\r\n"
        #expect(Finding.of(many, limits: limits).fault == .head(.tooManyFields(limit: 3)))
    }

    @Test
    func whatTheHeadSaysIsRead() throws {
        let text =
            Self.host + "Expect: 100-Continue\r\nX-Forwarded-For: 192.0.2.1, 10.0.0.1\r\nContent-Length: 12\r\n"
            + "x-forwarded-for: 10.0.0.2\r\n\r\n"
        let head = try #require(Finding.of(text).heads.first)
        #expect(head.body == .length(12))
        #expect(head.expectsContinue)
        #expect(head.forwardedFor == ["192.0.2.1, 10.0.0.1", "10.0.0.2"])
        let bodiless = try #require(Finding.of(Self.host + "Expect: 100-continue\r\n\r\n").heads.first)
        #expect(!bodiless.expectsContinue)
        let old = try #require(
            Finding.of("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").heads.first
        )
        #expect(!old.expectsContinue)
    }

    @Test
    func thePhaseTellsWhatIsUnfinished() {
        var scanner = RequestScanner()
        func receive(_ text: String) -> RequestScanner.Phase {
            scanner.receive(ByteBuffer(string: text))
            while scanner.next() != nil {}
            return scanner.phase
        }
        #expect(scanner.phase == .idle)
        #expect(receive("POST / HTTP/1.1\r\n") == .head)
        #expect(receive("Host: h\r\nContent-Length: 3\r\n\r\n") == .body)
        #expect(receive("ab") == .body)
        #expect(receive("c") == .idle)
        #expect(receive("P") == .head)
        #expect(receive("\0") == .over)
        #expect(receive("GET / HTTP/1.1\r\nHost: h\r\n\r\n") == .over)
    }
}

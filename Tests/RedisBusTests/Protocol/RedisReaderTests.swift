// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import RedisBus

@Suite struct RedisReaderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var values: [RedisValue]

        var testDescription: String { self.text }
    }

    static func bulk(_ text: String) -> RedisValue {
        .bulk(Array(text.utf8))
    }

    static let cases: [Case] = [
        Case(text: "+OK\r\n", values: [.simple("OK")]),
        Case(text: "+\r\n", values: [.simple("")]),
        Case(text: "-ERR no\r\n", values: [.error("ERR no")]),
        Case(text: ":0\r\n:-7\r\n:9223372036854775807\r\n", values: [.integer(0), .integer(-7), .integer(.max)]),
        Case(text: "$0\r\n\r\n", values: [bulk("")]),
        Case(text: "$5\r\na\r\nbc\r\n", values: [bulk("a\r\nbc")]),
        Case(text: "$-1\r\n*-1\r\n", values: [.null, .null]),
        Case(text: "*0\r\n", values: [.array([])]),
        Case(
            text: "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n{}\r\n",
            values: [.array([bulk("message"), bulk("c"), bulk("{}")])]
        ),
        Case(
            text: "*3\r\n*2\r\n:1\r\n*0\r\n$-1\r\n*1\r\n+x\r\n:4\r\n",
            values: [.array([.array([.integer(1), .array([])]), .null, .array([.simple("x")])]), .integer(4)]
        ),
        Case(
            text: String(repeating: "*1\r\n", count: 7) + ":1\r\n",
            values: [(0..<7).reduce(RedisValue.integer(1)) { value, _ in .array([value]) }]
        ),
    ]

    @Test(arguments: cases) func valuesAreRead(_ example: Case) throws {
        #expect(try Reading(example.text).values == example.values)
    }

    @Test(arguments: cases) func choppingAtEveryByteChangesNothing(_ example: Case) throws {
        let bytes = Array(example.text.utf8)
        for cut in bytes.indices {
            #expect(try Reading([bytes[..<cut], bytes[cut...]]).values == example.values)
        }
        #expect(try Reading(bytes.indices.map { bytes[$0...$0] }).values == example.values)
    }

    @Test func allCasesInOneRead() throws {
        let reading = try Reading(Self.cases.map(\.text).joined())
        #expect(reading == (try Reading([])).with(Self.cases.flatMap(\.values)))
    }

    @Test func invalidTextIsRepaired() throws {
        let reading = try Reading([[0x2B, 0xFF, 0x0D, 0x0A]])
        #expect(reading.values == [.simple("\u{FFFD}")])
    }

    // MARK: - Servers that mean harm

    struct Refused: Sendable, CustomTestStringConvertible {
        var text: String
        var fault: RedisFault

        var testDescription: String { String(self.text.prefix(40)) }
    }

    static let announcements: [Refused] = [
        Refused(text: "$257\r\n", fault: .replyTooLarge(limit: 256)),
        Refused(text: "$9223372036854775807\r\n", fault: .replyTooLarge(limit: 256)),
        Refused(
            text: "*2\r\n$200\r\n" + String(repeating: "x", count: 200) + "\r\n$57\r\n",
            fault: .replyTooLarge(limit: 256)
        ),
        Refused(text: "*33\r\n", fault: .tooManyElements(limit: 32)),
        Refused(text: "*2147483647\r\n", fault: .tooManyElements(limit: 32)),
        Refused(text: "*20\r\n*20\r\n", fault: .tooManyElements(limit: 32)),
        Refused(text: "+" + String(repeating: "x", count: 66), fault: .lineTooLong(limit: 64)),
        Refused(text: "-" + String(repeating: "x", count: 65) + "\r\n", fault: .lineTooLong(limit: 64)),
        Refused(text: "$" + String(repeating: "1", count: 66), fault: .lineTooLong(limit: 64)),
    ]

    @Test(arguments: announcements) func whatIsTooLargeIsRefusedWhenAnnounced(_ example: Refused) throws {
        #expect(try Reading(example.text, limits: .small).fault == example.fault)
        let bytes = Array(example.text.utf8)
        #expect(try Reading(bytes.indices.map { bytes[$0...$0] }, limits: .small).fault == example.fault)
    }

    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n", "$x\r\n", "$-2\r\n", "*x\r\n", "*-2\r\n", ":x\r\n", ":\r\n", "*99999999999\r\n",
        "_\r\n", "\r\n", String(repeating: "*1\r\n", count: 9),
    ]) func whatIsNotTheProtocolIsRefused(_ text: String) throws {
        let reading = try Reading(text)
        guard case .malformed(let reason) = reading.fault else {
            Issue.record("\(reading)")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test func nothingFollowsAFault() throws {
        #expect(try Reading(["+a\r\n?", "+b\r\n"].map { Array($0.utf8)[...] }).values == [.simple("a")])
        var reader = try RedisReader(limits: .small)
        for text in ["$300\r\n", "+b\r\n"] {
            unsafe Array(text.utf8).withUnsafeBytes { unsafe reader.feed($0) }
        }
        #expect(throws: RedisFault.replyTooLarge(limit: 256)) { _ = try reader.next() }
        #expect(throws: RedisFault.replyTooLarge(limit: 256)) { _ = try reader.next() }
    }

    @Test func readerDroppedInTheMiddleOfAReply() throws {
        for end in ["*3\r\n:1\r\n", "*2\r\n*2\r\n$3\r\nabc\r\n", "$10\r\nabc"] {
            #expect(try Reading(end) == Reading([]))
        }
    }

    // MARK: - Commands

    @Test func commandsAreFormatted() {
        #expect(String(buffer: RedisCommand.format(["PING"])) == "*1\r\n$4\r\nPING\r\n")
        #expect(String(buffer: RedisCommand.format(["AUTH", ""])) == "*2\r\n$4\r\nAUTH\r\n$0\r\n\r\n")
        let payload = ByteBuffer(bytes: [0, 0xFF, 0x0D, 0x0A])
        let command = RedisCommand.format(["PUBLISH", "ä"], payload: payload)
        #expect(
            Array(buffer: command) == Array("*3\r\n$7\r\nPUBLISH\r\n$2\r\nä\r\n$4\r\n".utf8) + [
                0, 0xFF, 13, 10, 13, 10,
            ]
        )
        let empty = RedisCommand.format(["PUBLISH", "c"], payload: ByteBuffer())
        #expect(String(buffer: empty) == "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$0\r\n\r\n")
    }
}

extension Reading {
    func with(_ values: [RedisValue]) -> Reading {
        var copy = self
        copy.values = values
        return copy
    }
}

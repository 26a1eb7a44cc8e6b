// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct HeadReaderTests {
    private func read(_ wire: ByteBuffer, _ delivery: Delivery, limits: HeadLimits = HeadLimits()) throws -> HeadReader
        .Head?
    {
        var reader = HeadReader(limits: limits)
        for read in delivery.reads(of: wire) {
            if let head = try reader.receive(read) {
                return head
            }
        }
        return nil
    }

    @Test(arguments: Delivery.allCases)
    func aHeadIsTakenApart(delivery: Delivery) throws {
        let head = try read("GET / HTTP/1.1\r\nHost: h\r\nX-A:\t b c \t\r\nEmpty:\r\n\r\n", delivery)
        #expect(head?.startLine == "GET / HTTP/1.1")
        #expect(head?.fields == HeaderFields([("host", "h"), ("x-a", "b c"), ("empty", "")]))
    }

    @Test(arguments: Delivery.allCases)
    func aHeadMayHaveNoFields(delivery: Delivery) throws {
        #expect(try read("start\r\n\r\n", delivery) == HeadReader.Head(startLine: "start", fields: HeaderFields()))
    }

    @Test func theRestIsKept() throws {
        var reader = HeadReader(limits: HeadLimits())
        var wire: ByteBuffer = "skipped start\r\n\r\nrest"
        wire.moveReaderIndex(forwardBy: 8)
        #expect(try reader.receive(wire)?.startLine == "start")
        #expect(reader.rest == "rest")
        #expect(reader.everything == "start\r\n\r\nrest")
    }

    @Test func everythingIsKeptOverSeveralReads() throws {
        var reader = HeadReader(limits: HeadLimits())
        #expect(try reader.receive("sta") == nil)
        #expect(try reader.receive("rt\r\n\r") == nil)
        #expect(try reader.receive("\nrest")?.startLine == "start")
        #expect(reader.everything == "start\r\n\r\nrest")
    }

    /// Each row is wrong at its last byte.
    @Test(
        arguments: [
            ("G\n", HeadFault.bareLineBreak),
            ("G\rX", .bareLineBreak),
            ("G\r\r", .bareLineBreak),
            ("G\r\na: b\n", .bareLineBreak),
            ("G\r\na: b\r\n\rx", .bareLineBreak),
            ("\u{16}", .controlCharacter(0x16)),
            ("G\r\na: \u{0}", .controlCharacter(0)),
            ("G\r\na: \u{7F}", .controlCharacter(0x7F)),
            ("G\r\na: b\r\n ", .foldedField),
            ("G\r\na: b\r\n\t", .foldedField),
            ("G\r\na: b\r\nc\r\n\r\n", .malformedField(number: 2)),
            ("G\r\na : b\r\n\r\n", .malformedField(number: 1)),
            ("G\r\n: b\r\n\r\n", .malformedField(number: 1)),
            ("G\r\nä: b\r\n\r\n", .malformedField(number: 1)),
        ],
        Delivery.allCases
    )
    func faultsAreFoundAtOnce(row: (String, HeadFault), delivery: Delivery) throws {
        let wire = ByteBuffer(string: row.0)
        #expect(throws: row.1) { try read(wire, delivery) }
        #expect(try read(ByteBuffer(bytes: wire.array.dropLast()), delivery) == nil)
    }

    @Test(arguments: Delivery.allCases)
    func theSizeIsLimited(delivery: Delivery) throws {
        let wire: ByteBuffer = "start\r\na: b\r\n\r\n"
        #expect(try read(wire, delivery, limits: HeadLimits(bytes: 15)) != nil)
        #expect(throws: HeadFault.tooLarge(limit: 14)) { try read(wire, delivery, limits: HeadLimits(bytes: 14)) }
    }

    @Test(arguments: Delivery.allCases)
    func theNumberOfFieldsIsLimited(delivery: Delivery) throws {
        let wire: ByteBuffer = "start\r\na: b\r\nc: d\r\n\r\n"
        #expect(try read(wire, delivery, limits: HeadLimits(fields: 2)) != nil)
        #expect(throws: HeadFault.tooManyFields(limit: 1)) { try read(wire, delivery, limits: HeadLimits(fields: 1)) }
    }

    @Test func whatFollowsTheHeadDoesNotCount() throws {
        let wire = joined("start\r\n\r\n", .a(1000))
        #expect(try read(wire, .whole, limits: HeadLimits(bytes: 9)) != nil)
    }
}

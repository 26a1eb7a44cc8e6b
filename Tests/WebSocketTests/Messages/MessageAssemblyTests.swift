// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

@Suite struct MessageAssemblyTests {
    private var assembly = MessageAssembly(limits: Endpoint.Limits(frameBytes: 10, messageBytes: 10, fragments: 3))

    private func header(_ opcode: Opcode, _ length: Int, isFinal: Bool = true) -> FrameHeader {
        FrameHeader(opcode, payloadLength: length, isFinal: isFinal)
    }

    /// Brings the assembly between the fragments of a text message that starts with `text`.
    private mutating func startMessage(_ text: String) throws {
        try assembly.receivedStart(.text, header(.text, text.utf8.count, isFinal: false))
        try assembly.receivedPart(ByteBuffer(string: text), mask: nil, position: 0)
    }

    @Test mutating func aWholeMessageIsReturnedAtOnce() throws {
        try assembly.receivedStart(.binary, header(.binary, 3))
        #expect(assembly.isUnfragmented)
        #expect(try assembly.receivedWhole(ByteBuffer(hex: "0080ff")) == .binary(ByteBuffer(hex: "0080ff")))
        #expect(!assembly.isUnfragmented)
    }

    @Test mutating func partsAreUnmaskedAndJoined() throws {
        let key = MaskKey(0x0102_0304)
        var payload = ByteBuffer(string: "abcdef")
        key.apply(to: &payload)
        try assembly.receivedStart(.text, header(.text, 6))
        for position in 0..<6 {
            try assembly.receivedPart(ByteBuffer(bytes: [payload.array[position]]), mask: key, position: position)
        }
        #expect(try assembly.receivedEnd() == .text(ByteBuffer(string: "abcdef")))
    }

    @Test mutating func fragmentsAreJoined() throws {
        try startMessage("ab")
        #expect(!assembly.isUnfragmented)
        try assembly.receivedContinuation(header(.continuation, 1))
        try assembly.receivedPart(ByteBuffer(string: "c"), mask: nil, position: 0)
        #expect(try assembly.receivedEnd() == .text(ByteBuffer(string: "abc")))
    }

    @Test mutating func aContinuationNeedsAMessage() {
        #expect(throws: Violation.unexpectedContinuation) {
            try assembly.receivedContinuation(header(.continuation, 1))
        }
    }

    @Test(arguments: [Opcode.text, .binary])
    mutating func aMessageMustBeFinishedFirst(opcode: Opcode) throws {
        try startMessage("a")
        #expect(throws: Violation.messageInterrupted(by: opcode)) {
            try assembly.receivedStart(opcode == .text ? .text : .binary, header(opcode, 1))
        }
    }

    @Test mutating func theSizeIsLimitedFromTheHeaderOn() throws {
        #expect(throws: Violation.messageTooLarge(bytes: 11, limit: 10)) {
            try assembly.receivedStart(.text, header(.text, 11))
        }
        try startMessage("123456")
        #expect(throws: Violation.messageTooLarge(bytes: 11, limit: 10)) {
            try assembly.receivedContinuation(header(.continuation, 5))
        }
        #expect(throws: Violation.messageTooLarge(bytes: .max, limit: 10)) {
            try assembly.receivedContinuation(header(.continuation, .max))
        }
        try assembly.receivedContinuation(header(.continuation, 4))
    }

    @Test mutating func theNumberOfFragmentsIsLimited() throws {
        try startMessage("")
        try assembly.receivedContinuation(header(.continuation, 0, isFinal: false))
        try assembly.receivedContinuation(header(.continuation, 0, isFinal: false))
        #expect(throws: Violation.tooManyFragments(limit: 3)) {
            try assembly.receivedContinuation(header(.continuation, 0))
        }
    }

    @Test mutating func charactersMaySpanFragments() throws {
        try assembly.receivedStart(.text, header(.text, 1, isFinal: false))
        try assembly.receivedPart(ByteBuffer(hex: "c3"), mask: nil, position: 0)
        try assembly.receivedContinuation(header(.continuation, 1))
        try assembly.receivedPart(ByteBuffer(hex: "a9"), mask: nil, position: 0)
        #expect(try assembly.receivedEnd() == .text(ByteBuffer(string: "é")))
    }

    @Test mutating func aWrongByteIsReportedWithItsPlaceInTheMessage() throws {
        try startMessage("abc")
        try assembly.receivedContinuation(header(.continuation, 2))
        #expect(throws: Violation.textNotUTF8(offset: 4)) {
            try assembly.receivedPart(ByteBuffer(hex: "61ff"), mask: nil, position: 0)
        }
    }

    @Test mutating func aTextMustNotEndInsideACharacter() throws {
        try assembly.receivedStart(.text, header(.text, 1))
        #expect(throws: Violation.textEndsInsideCharacter) { try assembly.receivedWhole(ByteBuffer(hex: "c3")) }
    }

    @Test mutating func resetForgetsTheMessage() throws {
        try startMessage("a")
        assembly.reset()
        #expect(try assembly.receivedEnd() == nil)
        try assembly.receivedStart(.text, header(.text, 1))
        #expect(try assembly.receivedWhole(ByteBuffer(string: "b")) == .text(ByteBuffer(string: "b")))
    }
}

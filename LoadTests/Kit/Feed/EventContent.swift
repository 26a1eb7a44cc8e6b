// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore

/// What the events of a scenario look like: the same bytes but for a number, so that a delivery is checked without
/// being parsed.
package struct EventContent: Sendable {
    /// Digits of the number.
    private static let digits = 10

    /// The event type's name.
    package let type: String
    /// `{…"number":"`
    private let head: [UInt8]
    /// `","pad":"…"}`
    private let tail: [UInt8]
    /// The same with what surrounds it in a message.
    private let messageHead: [UInt8]
    private let messageTail: [UInt8]

    /// - Parameters:
    ///   - type: An event type's name; the fields that the built-in ones require are filled in.
    ///   - bytes: Size of `data`; more where the required fields take more.
    package init(type: String, bytes: Int) {
        self.type = type
        let head = "{\(Self.required[type] ?? "")\"number\":\""
        let rest = head.utf8.count + Self.digits + "\",\"pad\":\"\"}".utf8.count
        let tail = "\",\"pad\":\"\(String(repeating: "x", count: max(0, bytes - rest)))\"}"
        self.head = Array(head.utf8)
        self.tail = Array(tail.utf8)
        self.messageHead = Array("\"data\":\(head)".utf8)
        self.messageTail = Array("\(tail)}".utf8)
    }

    private static let required = [
        "rateChange": #""rate":"61000.12","#,
        "balanceUpdate": #""balance":"1250.50","#,
        "transactionUpdate": #""type":"p2p","amount":"12.50","status":"completed","#,
        "chainEvent": #""chain":"1","event":"Transfer","blockNumber":1,"blockHash":"0x0","transactionHash":"0x0","#
            + #""logIndex":0,"level":"seen","#,
    ]

    /// Types of which only the newest value counts for a reader that is behind.
    package static let latestTypes: Set<String> = ["balanceUpdate", "rateChange"]

    /// Types whose channels only their owners read.
    package static let ownerTypes: Set<String> = ["balanceUpdate", "transactionUpdate"]

    /// `data` of one event.
    func data(of event: Int) -> [UInt8] {
        self.head + Self.number(event) + self.tail
    }

    /// One event as it is published.
    func publication(of event: Int, key: String, run: String) -> [UInt8] {
        var writer = JSON.Writer(reservingCapacity: self.head.count + self.tail.count + 160)
        writer.beginObject()
        writer.member("type", string: self.type)
        writer.member("key", string: key)
        writer.member("id", string: "\(run)-\(event)")
        writer.member("source", string: "broadtape-load:\(run)")
        writer.member("data", raw: self.data(of: event))
        writer.endObject()
        return writer.bytes
    }

    /// Whether a message ends with the event's `data`, byte by byte.
    func ends(_ message: ByteBuffer, event: Int) -> Bool {
        let bytes = message.readableBytesSpan
        let start = bytes.byteCount - self.messageHead.count - Self.digits - self.messageTail.count
        guard start >= 0 else { return false }
        let number = start + self.messageHead.count
        return Self.equal(bytes, at: start, self.messageHead) && Self.reads(bytes, at: number, event)
            && Self.equal(bytes, at: number + Self.digits, self.messageTail)
    }

    private static func number(_ event: Int) -> [UInt8] {
        let digits = Array(String(event).utf8)
        return Array(repeating: UInt8(ascii: "0"), count: max(0, Self.digits - digits.count)) + digits
    }

    private static func reads(_ bytes: RawSpan, at start: Int, _ event: Int) -> Bool {
        var value = 0
        for index in start..<start + Self.digits {
            let digit = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self) &- UInt8(ascii: "0")
            guard digit < 10 else { return false }
            value = value * 10 + Int(digit)
        }
        return value == event
    }

    /// Both lengths were checked: `start` and what is expected are inside of the message.
    private static func equal(_ bytes: RawSpan, at start: Int, _ expected: [UInt8]) -> Bool {
        let other = unsafe expected.span.bytes
        var index = 0
        while index + 8 <= other.byteCount {
            let left = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start + index, as: UInt64.self)
            let right = unsafe other.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard left == right else { return false }
            index += 8
        }
        while index < other.byteCount {
            let left = unsafe bytes.unsafeLoad(fromByteOffset: start + index, as: UInt8.self)
            let right = unsafe other.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            guard left == right else { return false }
            index += 1
        }
        return true
    }
}

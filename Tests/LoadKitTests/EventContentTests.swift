// SPDX-License-Identifier: Apache-2.0

import JSON
import NIOCore
import Testing

@testable import LoadKit

struct EventContentTests {
    private static let types = ["rateChange", "balanceUpdate", "transactionUpdate", "chainEvent", "declared"]

    private static func message(_ content: EventContent, event: Int) -> [UInt8] {
        Array(#"{"op":"event","channel":"x:y","seq":1,"id":"r-\#(event)","time":"2026-11-20T16:00:00Z","data":"#.utf8)
            + content.data(of: event) + [UInt8(ascii: "}")]
    }

    @Test(arguments: Self.types, [200, 500])
    func dataHasTheSizeAskedFor(type: String, bytes: Int) throws {
        let data = EventContent(type: type, bytes: bytes).data(of: 42)
        #expect(data.count == bytes)
        #expect(try JSON.Value.parse(data)["number"]?.string == "0000000042")
    }

    @Test func dataIsAsLongAsItsRequiredFieldsWhereLessWasAskedFor() throws {
        let data = EventContent(type: "chainEvent", bytes: 1).data(of: 1)
        #expect(try JSON.Value.parse(data)["pad"]?.string == "")
    }

    @Test(arguments: Self.types)
    func anEventIsRecognizedByItsBytes(type: String) {
        let content = EventContent(type: type, bytes: 200)
        let message = Self.message(content, event: 1_234)
        #expect(content.ends(ByteBuffer(bytes: message), event: 1_234))
        #expect(!content.ends(ByteBuffer(bytes: message), event: 1_235))
        #expect(!content.ends(ByteBuffer(bytes: message.dropLast()), event: 1_234))
        #expect(!content.ends(ByteBuffer(), event: 1_234))
    }

    @Test(arguments: Self.types)
    func everyByteOfDataCounts(type: String) {
        let content = EventContent(type: type, bytes: 200)
        let message = Self.message(content, event: 1_234)
        for index in message.count - 208..<message.count {
            var other = message
            other[index] ^= 1
            #expect(!content.ends(ByteBuffer(bytes: other), event: 1_234), "byte \(index)")
        }
    }

    @Test func aPublicationNamesItsRunAndChannel() throws {
        let json = EventContent(type: "rateChange", bytes: 200).publication(of: 7, key: "A/B", run: "r1")
        let value = try JSON.Value.parse(json)
        #expect(value["type"]?.string == "rateChange")
        #expect(value["key"]?.string == "A/B")
        #expect(value["id"]?.string == "r1-7")
        #expect(value["source"]?.string == "broadtape-load:r1")
    }
}

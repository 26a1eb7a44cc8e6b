// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import NIOCore
import Testing

struct EventHeadingTests {
    private static let plain =
        #"{"op":"event","channel":"rateChange:BTC/USDT","seq":1082,"id":"run-17","time":"t","data":{"a":"b"}}"#
    private static let conflated =
        #"{"op":"event","channel":"balanceUpdate:ü","seq":9007199254740991,"skipped":12,"id":"x","data":{}}"#

    @Test(arguments: [plain, conflated])
    func headingsAgreeWithTheSlowWay(_ text: String) throws {
        let buffer = ByteBuffer(string: text)
        let heading = try #require(EventHeading(buffer))
        guard case .event(let event) = try Message(buffer) else {
            Issue.record("not an event")
            return
        }
        let bytes = Array(text.utf8)
        #expect(String(decoding: bytes[heading.channel], as: UTF8.self) == event.channel)
        #expect(String(decoding: bytes[heading.id], as: UTF8.self) == event.id)
        #expect(heading.seq == event.seq)
        #expect(heading.skipped == event.skipped)
    }

    @Test(arguments: [plain, conflated])
    func noBeginningIsTakenForAHeading(_ text: String) throws {
        let bytes = Array(text.utf8)
        let heading = try #require(EventHeading(ByteBuffer(bytes: bytes)))
        for count in 0...heading.id.upperBound + 1 {
            #expect(EventHeading(ByteBuffer(bytes: bytes.prefix(count))) == nil)
        }
    }

    @Test(arguments: [
        #"{"op":"snapshot","channel":"a:b","seq":1,"id":"x","data":1}"#,
        #"{"op":"event","seq":1,"channel":"a:b","id":"x","data":1}"#,
        #"{"op": "event","channel":"a:b","seq":1,"id":"x","data":1}"#,
        #"{"op":"event","channel":"a\/b","seq":1,"id":"x","data":1}"#,
        #"{"op":"event","channel":"a:b","seq":1,"id":"\"","data":1}"#,
        #"{"op":"event","channel":"a:b","seq":-1,"id":"x","data":1}"#,
        #"{"op":"event","channel":"a:b","seq":,"id":"x","data":1}"#,
        #"{"op":"event","channel":"a:b","seq":12345678901234567,"id":"x","data":1}"#,
        #"{"op":"event","channel":"a:b","seq":1,"skipped":x,"id":"x","data":1}"#,
        #"{"op":"event","channel":"a:b","seq":1,"id":"x"}"#,
    ])
    func otherSpellingsAreLeftToTheSlowWay(_ text: String) {
        #expect(EventHeading(ByteBuffer(string: text)) == nil)
    }
}

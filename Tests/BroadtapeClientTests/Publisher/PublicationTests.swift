// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON
import Testing

struct PublicationTests {
    @Test func eventsAreWritten() throws {
        let publication = try Publication(
            type: "transactionUpdate",
            keys: ["u_1", "u_2"],
            id: "tx-1",
            source: "payments",
            time: "2026-11-20T16:00:00Z",
            data: Array(#"{ "amount": "1.50" }"#.utf8)
        )
        #expect(publication.id == "tx-1")
        #expect(
            String(decoding: publication.json, as: UTF8.self)
                == #"{"type":"transactionUpdate","keys":["u_1","u_2"],"id":"tx-1","source":"payments","#
                + #""time":"2026-11-20T16:00:00Z","data":{"amount":"1.50"}}"#
        )
    }

    @Test func missingIDsAreMadeUp() throws {
        let data = Array("{}".utf8)
        let (one, other) = (try Publication(type: "x", data: data), try Publication(type: "x", data: data))
        #expect(one.id != other.id)
        let text = Array(#"{"type":"x", "id":null, "data":{"a":[1, 2]}}"#.utf8)
        let read = try Publication(json: text)
        let value = try JSON.Value.parse(read.json)
        #expect(value["id"]?.string == read.id)
        #expect(value["data"].map { Array($0.text) } == Array(#"{"a":[1,2]}"#.utf8))
    }

    @Test func givenEventsStayAsTheyAre() throws {
        let publication = try Publication(json: Array(#"{"id": "a", "type":"x","data":{"n":1.50}}"#.utf8))
        #expect(publication.id == "a")
        #expect(String(decoding: publication.json, as: UTF8.self) == #"{"id":"a","type":"x","data":{"n":1.50}}"#)
    }

    @Test(arguments: ["", "[]", "1", "{", #"{"id":1}"#])
    func othersAreNotEvents(_ text: String) {
        #expect(throws: Publication.Invalid.self) { try Publication(json: Array(text.utf8)) }
        #expect(throws: Publication.Invalid.self) { try Publication(type: "x", data: Array("\(text)[".utf8)) }
    }
}

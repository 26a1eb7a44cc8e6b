// SPDX-License-Identifier: Apache-2.0

import Testing

/// Requests to publish that must be refused.
enum RefusedRequests {
    /// Which token a request has.
    enum Bearer: Sendable {
        case good
        case none
        case field(String)
        case scopes([String])
        case expired
        case notYet
        case foreign
        case otherAlgorithm
        case tampered
        case unsigned(String)
        case noSubject
    }

    /// A request, and how it must be refused.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bearer = Bearer.good
        var contentType: String? = "application/json"
        var fields: [(name: String, value: String)] = []
        var body = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#
        var status: Int
        var code: String
        /// `index field` of each item.
        var items: [String] = []
        var says: [String] = []
    }

    static let bodies: [Case] = [
        Case(testDescription: "not JSON", body: "{", status: 400, code: "bad_request"),
        Case(testDescription: "JSON and more", body: "{} {}", status: 400, code: "bad_request"),
        Case(testDescription: "empty", body: "", status: 400, code: "bad_request"),
        Case(testDescription: "no events", body: "[]", status: 400, code: "bad_request"),
        Case(
            testDescription: "no lines",
            contentType: "application/x-ndjson",
            body: "\n\n",
            status: 400,
            code: "bad_request"
        ),
        Case(
            testDescription: "a line that is not JSON",
            contentType: "application/x-ndjson",
            body: "{\"type\":\"rateChange\",\"key\":\"A\",\"data\":{\"rate\":\"1\"}}\n\n{\"type\":\n",
            status: 400,
            code: "bad_request",
            says: ["line 3"]
        ),
        Case(
            testDescription: "two on a line",
            contentType: "application/x-ndjson",
            body: "{} {}",
            status: 400,
            code: "bad_request",
            says: ["line 1"]
        ),
        Case(testDescription: "a number", body: "5", status: 422, code: "invalid_event", items: ["0 "]),
        Case(testDescription: "numbers", body: "[1,[2]]", status: 422, code: "invalid_event", items: ["0 ", "1 "]),
        Case(
            testDescription: "nested deeply",
            body: String(repeating: "[", count: 100_000),
            status: 400,
            code: "bad_request"
        ),
        Case(
            testDescription: "no type",
            body: #"{"key":"A","data":{"rate":"1"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 type"]
        ),
        Case(
            testDescription: "an unknown type",
            body: #"{"type":"ratechange","key":"A","data":{"rate":"1"}}"#,
            status: 404,
            code: "unknown_type",
            items: ["0 type"],
            says: ["rateChange"]
        ),
        Case(
            testDescription: "no key",
            body: #"{"type":"rateChange","data":{"rate":"1"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 data.pair"]
        ),
        Case(
            testDescription: "key and keys",
            body: #"{"type":"rateChange","key":"A","keys":["A"],"data":{"rate":"1"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 keys"]
        ),
        Case(
            testDescription: "a key twice",
            body: #"{"type":"rateChange","keys":["A","A"],"data":{"rate":"1"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 keys"]
        ),
        Case(
            testDescription: "no keys",
            body: #"{"type":"rateChange","keys":[],"data":{"rate":"1"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 keys"]
        ),
        Case(
            testDescription: "a key of control characters",
            body: #"{"type":"rateChange","key":"\u0007","data":{"rate":"1"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 key"]
        ),
        Case(
            testDescription: "a key that contradicts the data",
            body: #"{"type":"balanceUpdate","key":"u_1","data":{"userId":"u_2","balance":"1"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 data.userId"],
            says: ["u_2"]
        ),
        Case(
            testDescription: "an amount that is a number",
            body: #"{"type":"transactionUpdate","key":"u_1","data":{"type":"p2p","amount":0.1,"status":"completed"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 data.amount"],
            says: ["data.amount", "0.1", "decimal string"]
        ),
        Case(
            testDescription: "an amount with an exponent",
            body: #"{"type":"rateChange","key":"A","data":{"rate":"1e3"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 data.rate"]
        ),
        Case(
            testDescription: "no amount",
            body: #"{"type":"balanceUpdate","key":"u_1","data":{}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 data.balance"]
        ),
        Case(
            testDescription: "no data",
            body: #"{"type":"rateChange","key":"A"}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 data"]
        ),
        Case(
            testDescription: "a time of another form",
            body: #"{"type":"rateChange","key":"A","time":"20.11.2026","data":{"rate":"1"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 time"]
        ),
        Case(
            testDescription: "an id that is a number",
            body: #"{"type":"rateChange","key":"A","id":7,"data":{"rate":"1"}}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 id"]
        ),
        Case(
            testDescription: "one bad among good ones",
            body:
                #"[{"type":"rateChange","key":"A","data":{"rate":"1"}},{"type":"rateChange","key":"A","data":{"rate":2}},"#
                + #"{"type":"rateChange","key":"A","data":{"rate":"3"}},{"type":"rateChange","key":"A","data":{}}]"#,
            status: 422,
            code: "invalid_event",
            items: ["1 data.rate", "3 data.rate"]
        ),
        Case(
            testDescription: "data of more than 64 KiB",
            body:
                #"{"type":"rateChange","key":"A","data":{"rate":"1","pad":"\#(String(repeating: "x", count: 65_536))"}}"#,
            status: 413,
            code: "too_large",
            items: ["0 data"]
        ),
        Case(
            testDescription: "too many events",
            body: "["
                + Array(repeating: #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#, count: 101).joined(
                    separator: ","
                ) + "]",
            status: 413,
            code: "too_large",
            says: ["100", "101"]
        ),
    ]

    static let contentTypes: [Case] = [
        Case(testDescription: "none", contentType: nil, status: 415, code: "unsupported_media_type"),
        Case(
            testDescription: "text",
            contentType: "text/plain",
            status: 415,
            code: "unsupported_media_type",
            says: ["text/plain"]
        ),
        Case(
            testDescription: "a form",
            contentType: "application/x-www-form-urlencoded",
            status: 415,
            code: "unsupported_media_type"
        ),
        Case(
            testDescription: "nearly JSON",
            contentType: "application/jsonx",
            status: 415,
            code: "unsupported_media_type"
        ),
        Case(
            testDescription: "a binary CloudEvent that is not JSON",
            contentType: "text/xml",
            fields: [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "rateChange")],
            status: 415,
            code: "unsupported_media_type"
        ),
    ]

    private static func cloudEvent(_ members: String) -> Case {
        Case(
            testDescription: members,
            contentType: "application/cloudevents+json",
            body: "{\(members)}",
            status: 422,
            code: "invalid_event"
        )
    }

    static let cloudEvents: [Case] = [
        Self.cloudEvent(#""id":"1","source":"/s","type":"rateChange","subject":"A","data":{"rate":"1"}"#),
        Self.cloudEvent(
            #""specversion":"0.3","id":"1","source":"/s","type":"rateChange","subject":"A","data":{"rate":"1"}"#
        ),
        Self.cloudEvent(
            #""specversion":1.0,"id":"1","source":"/s","type":"rateChange","subject":"A","data":{"rate":"1"}"#
        ),
        Self.cloudEvent(#""specversion":"1.0","source":"/s","type":"rateChange","subject":"A","data":{"rate":"1"}"#),
        Self.cloudEvent(#""specversion":"1.0","id":"1","type":"rateChange","subject":"A","data":{"rate":"1"}"#),
        Self.cloudEvent(#""specversion":"1.0","id":"1","source":"/s","subject":"A","data":{"rate":"1"}"#),
        Self.cloudEvent(
            #""specversion":"1.0","id":"1","source":"/s","type":"rateChange","subject":"A","data_base64":"e30=""#
        ),
        Self.cloudEvent(#""specversion":"1.0","id":"1","source":"/s","type":"rateChange","subject":"A""#),
        Self.cloudEvent(#""specversion":"1.0","id":"1","source":"/s","type":"rateChange","data":{"rate":"1"}"#),
        Self.cloudEvent(
            #""specversion":"1.0","id":"1","source":"/s","type":"rateChange","subject":"A","time":"now","data":{"rate":"1"}"#
        ),
        Case(
            testDescription: "a batch with one bad event",
            contentType: "application/cloudevents-batch+json",
            body:
                #"[{"specversion":"1.0","id":"1","source":"/s","type":"rateChange","subject":"A","data":{"rate":"1"}},"#
                + #"{"specversion":"1.0","id":"2","source":"/s","type":"rateChange","subject":"A","data":{"rate":1}}]"#,
            status: 422,
            code: "invalid_event",
            items: ["1 data.rate"]
        ),
        Case(
            testDescription: "a batch that is none",
            contentType: "application/cloudevents-batch+json",
            body:
                #"{"specversion":"1.0","id":"1","source":"/s","type":"rateChange","subject":"A","data":{"rate":"1"}}"#,
            status: 400,
            code: "bad_request"
        ),
        Case(
            testDescription: "a binary one without an id",
            fields: [("ce-specversion", "1.0"), ("ce-source", "/s"), ("ce-type", "rateChange"), ("ce-subject", "A")],
            body: #"{"rate":"1"}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 ce-id"]
        ),
        Case(
            testDescription: "a binary one of another version",
            fields: [
                ("ce-specversion", "2.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "rateChange"),
                ("ce-subject", "A"),
            ],
            body: #"{"rate":"1"}"#,
            status: 422,
            code: "invalid_event",
            items: ["0 specversion"]
        ),
    ]
}

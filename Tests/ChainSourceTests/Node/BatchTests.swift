// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Ingest
import JSON
import Testing

@Suite struct BatchTests {
    private static func answers(_ body: String, count: Int = 2) throws(NodeFault) -> [RPCAnswer] {
        try Batch.answers(Array(body.utf8), count: count, id: 5)
    }

    @Test func callsAreWrittenAsTheSpecificationSays() throws {
        let address = try #require(Address("0x00000000000000000000000000000000000000c1"))
        let filter = LogFilter(addresses: [address], topics: [.zero])
        let body = Batch.request([.block(.latest), .logsInRange(10...255, filter), .chainID], id: 7)
        let zero = Hash256.zero.description
        #expect(
            String(decoding: body, as: UTF8.self) == """
                [{"jsonrpc":"2.0","id":7,"method":"eth_getBlockByNumber","params":["latest",false]},\
                {"jsonrpc":"2.0","id":8,"method":"eth_getLogs","params":[{"fromBlock":"0xa","toBlock":"0xff",\
                "address":["\(address)"],"topics":[["\(zero)"]]}]},\
                {"jsonrpc":"2.0","id":9,"method":"eth_chainId","params":[]}]
                """
        )
    }

    @Test func answersOutOfOrderAreSorted() throws {
        let answers = try Self.answers(#"[{"id":6,"result":"b"},{"id":5,"error":{"code":-1,"message":"a"}}]"#)
        guard case .refusal(let refusal) = answers[0], case .result(let value) = answers[1] else {
            Issue.record("\(answers)")
            return
        }
        #expect(refusal == Refusal(code: -1, message: "a"))
        #expect(value.string == "b")
    }

    @Test(arguments: [
        "", "<html>", "[", "[]", #"[{"id":5,"result":1}]"#, #"[{"id":5,"result":1},{"id":5,"result":1}]"#,
        #"[{"id":5,"result":1},{"id":7,"result":1}]"#, #"[{"id":5,"result":1},{"id":6}]"#, "{}", "null",
        #"[{"id":5,"result":1},{"id":"6","result":1}]"#,
        #"{"id":null,"error":{"code":-32000,"message":"try again later"}}"#,
    ])
    func brokenAnswersAreAskedForAgain(_ body: String) {
        #expect { try Self.answers(body) } throws: { error in
            if case .again = error as? NodeFault { true } else { false }
        }
    }

    @Test func refusedBatchesAreUnderstood() {
        #expect { try Self.answers(#"{"error":{"code":-32005,"message":"request rate limit"}}"#) } throws: { error in
            if case .slowDown = error as? NodeFault { true } else { false }
        }
        #expect { try Self.answers(#"{"error":{"code":-32600,"message":"batches are not supported"}}"#) } throws: {
            error in
            if case .unfit(.refused, _, _) = error as? NodeFault { true } else { false }
        }
    }

    @Test(arguments: [
        (-32_005, "query returned more than 10000 results", Refusal.Meaning.tooLarge(nil)),
        (-32_005, "daily request count exceeded, request rate limited", .tooFast),
        (429, "Too Many Requests", .tooFast),
        (-32_602, "block range extends beyond current head block", .notYet),
        (-32_602, "invalid block range params", .notYet),
        (-32_000, "unknown block", .notYet),
        (-32_000, "header not found", .notYet),
        (4444, "pruned history unavailable", .pruned),
        (-32_601, "the method eth_foo does not exist", .never),
        (-32_602, "this block range should work: [0x1, 0x2]", .tooLarge(.range(1...2))),
        (-32_602, "block range is too wide, try [0x9, 0x1]", .tooLarge(nil)),
        (-32_614, "eth_getLogs is limited to a 10,000 range", .tooLarge(.blocks(10_000))),
        (-32_000, "exceed maximum block range: 5000", .tooLarge(.blocks(5000))),
    ])
    func wordsOfProvidersAreUnderstood(_ code: Int, _ message: String, _ meaning: Refusal.Meaning) {
        #expect(Refusal(code: code, message: message).meaning == meaning)
    }

    @Test func spansAdapt() {
        var span = BlockWindow(first: 100, cap: 1000)
        span.refused(1...100, .range(1...30))
        #expect(span.count == 30)
        // Not from where we begin, or wider than what was asked for: half.
        span.refused(1...30, .range(2...10))
        #expect(span.count == 15)
        span.refused(1...15, .range(1...90))
        #expect(span.count == 7)
        span.refused(1...7, .blocks(3))
        #expect(span.count == 3)
        for _ in 0..<10 { span.succeeded(logs: 0) }
        // The suggested limit persists.
        #expect(span.count == 3)
        span.refused(1...1, nil)
        #expect(span.count == 1)
        var free = BlockWindow(first: 4, cap: 20)
        for _ in 0..<20 { free.succeeded(logs: 1) }
        #expect(free.count == 20)
        #expect(!free.isTooMuch(logs: 5000))
        free.succeeded(logs: 5000)
        #expect(free.count == 10)
        #expect(free.isTooMuch(logs: 8001))
        // One block cannot be read in parts.
        #expect(!span.isTooMuch(logs: 8001))
    }
}

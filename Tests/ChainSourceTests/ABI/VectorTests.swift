// SPDX-License-Identifier: Apache-2.0

import ChainSource
import Foundation
import JSON
import Testing

@Suite struct VectorTests {
    /// How the contract of the vectors declares its events: the vectors have the types only.
    private static let declarations = [
        "Transfer(address indexed sender, address indexed receiver, uint256 amount)",
        "Approval(address indexed owner, address indexed spender, uint256 amount)",
        "Investment(address indexed investor, uint256 amount, uint256 shares)",
        "Redemption(address indexed investor, uint256 shares, uint256 amount)",
        "Notice(bytes32 indexed reference, address author, string text)",
        "event PriceChanged(uint256 oldPrice, uint256 newPrice);",
    ]

    private static func signatures() throws -> [String: EventSignature] {
        let all = try Self.declarations.map { try EventSignature($0) }
        return Dictionary(all.map { ($0.canonicalText, $0) }) { first, _ in first }
    }

    private static func topics(_ value: JSON.Value) -> [Hash256] {
        value["topics"]?.elements.compactMap { $0.string.flatMap(Hash256.init(_:)) } ?? []
    }

    @Test func digestsAreKeccak() throws {
        let vectors = try Vectors.load("keccak256")
        #expect(vectors.count == 22)
        for vector in vectors {
            let bytes = try #require(Hex.bytes("0x" + (vector["hex"]?.string ?? "?")))
            #expect(Keccak256.digest(bytes).description == "0x" + (vector["digest"]?.string ?? ""))
        }
    }

    @Test func topicsAreTheHashesOfSignatures() throws {
        let vectors = try Vectors.signatures()
        #expect(vectors.count == 6)
        let signatures = try Self.signatures()
        for (text, topic) in vectors {
            #expect(try EventSignature(text).topic.description == topic)
            #expect(try #require(signatures[text]).topic.description == topic)
        }
    }

    @Test func addressesHaveChecksums() throws {
        let vectors = try Vectors.load("checksums").compactMap(\.string)
        #expect(vectors.count == 4)
        for text in vectors {
            let address = try #require(Address(text))
            #expect(address.checksummed == text)
            #expect(Address(text.lowercased()) == address)
            #expect(Address("0x" + text.dropFirst(2).uppercased()) == address)
            // One letter in the other case.
            let index = try #require(text.lastIndex { $0.isLowercase })
            let wrong = text.replacingCharacters(in: index...index, with: text[index].uppercased())
            #expect(Address(wrong) == nil)
        }
    }

    @Test func logsAreDecoded() throws {
        let vectors = try Vectors.load("logs")
        #expect(vectors.count == 19)
        let signatures = try Self.signatures()
        for vector in vectors {
            let signature = try #require(signatures[vector["signature"]?.string ?? ""])
            let log = try #require(vector["log"])
            let data = try #require(log["data"]?.string.flatMap(Hex.bytes))
            let values = try signature.decode(topics: Self.topics(log), data: data)
            let decoded = values.map { "\($0.name)=\($0.value)" }
            let expected = vector["args"]?.members.map { "\($0.name)=\(DecodedValue.text($0.value.string ?? "?"))" }
            #expect(Set(decoded) == Set(expected ?? []))
        }
    }

    @Test func brokenLogsAreRefused() throws {
        let vectors = try Vectors.load("broken")
        #expect(vectors.count == 12)
        let signatures = try Self.signatures()
        for vector in vectors {
            let signature = try #require(signatures[vector["signature"]?.string ?? ""])
            let data = try #require(vector["data"]?.string.flatMap(Hex.bytes))
            #expect(throws: UndecodableLog.self, "\(vector["why"]?.string ?? "")") {
                try signature.decode(topics: Self.topics(vector), data: data)
            }
        }
    }

    /// The bloom filters of real blocks hold what is in them.
    @Test func bloomHoldsWhatWasPutIn() throws {
        var bloom = Bloom()
        let address = try #require(Address("0xf2e246bb76df876cef8b38ae84130f4f55de395b"))
        #expect(!bloom.mayContain(address.bytes))
        bloom.insert(address.bytes)
        #expect(bloom.mayContain(address.bytes))
        #expect(bloom.bytes.reduce(0) { $0 + $1.nonzeroBitCount } <= 3)
        #expect(!bloom.mayContain([1]))
    }
}

// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import RedisBus

/// Mutated streams: however they are cut, the reader makes the same of them, and never more than its limits.
@Suite struct RedisReaderFuzzTests {
    private static let tokens = [
        "\r\n", "$", "*", ":", "+", "-", "0", "1", "-1", "7", "2147483647", "9223372036854775807",
    ]
    .map { Array($0.utf8) }

    private static func mutant(_ random: inout SplitMix) -> [UInt8] {
        var bytes = (0..<Int.random(in: 1...4, using: &random)).flatMap { _ in
            Array((RedisReaderTests.cases.randomElement(using: &random)?.text ?? "").utf8)
        }
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let index = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0 where index < bytes.count:
                bytes[index] = UInt8.random(in: 0 ... .max, using: &random)
            case 1 where index < bytes.count:
                bytes.remove(at: index)
            case 2:
                bytes.insert(contentsOf: Self.tokens.randomElement(using: &random) ?? [], at: index)
            case 3:
                bytes.removeSubrange(index..<min(bytes.count, index + 8))
            default:
                bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 16)], at: index)
            }
        }
        return bytes
    }

    private static func pieces(of bytes: [UInt8], _ random: inout SplitMix) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...min(rest.count, 9), using: &random)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    /// Bytes of strings and elements.
    private static func size(of value: RedisValue) -> (bytes: Int, elements: Int) {
        switch value {
        case .simple, .error, .integer, .null: (0, 0)
        case .bulk(let bytes): (bytes.count, 0)
        case .array(let elements):
            elements.map(Self.size).reduce((0, elements.count)) { ($0.0 + $1.bytes, $0.1 + $1.elements) }
        }
    }

    @Test(arguments: 0..<8) func mutantsAreReadTheSameHoweverTheyAreCut(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        for number in 0..<500 {
            let bytes = Self.mutant(&random)
            let whole = try Reading([bytes[...]], limits: .small)
            let cut = try Reading(Self.pieces(of: bytes, &random), limits: .small)
            let comment: Comment =
                "seed \(seed), input \(number): \(String(decoding: bytes, as: UTF8.self).debugDescription)"
            #expect(whole.values == cut.values, comment)
            #expect((whole.fault == nil) == (cut.fault == nil), comment)
            for value in whole.values {
                let (size, elements) = Self.size(of: value)
                #expect(size <= 256 && elements <= 32, comment)
            }
        }
    }
}

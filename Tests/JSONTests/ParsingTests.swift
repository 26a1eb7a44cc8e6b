// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Testing

@Suite
struct ParsingTests {
    @Test(arguments: Corpus.valid)
    func validTextIsAcceptedAndKept(_ sample: Sample) throws {
        let value = try Value.parse(sample.bytes)
        let spaces: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        let trimmed = sample.bytes.drop(while: spaces.contains).reversed().drop(while: spaces.contains).reversed()
        #expect(Array(value.text) == Array(trimmed))
    }

    @Test(arguments: Corpus.invalid)
    func invalidTextIsRefusedWithItsFault(_ refused: Refused) {
        #expect(throws: refused.fault) { try Value.parse(refused.sample.bytes) }
    }

    @Test
    func corpusIsLargeEnough() {
        #expect(Corpus.valid.count + Corpus.invalid.count >= 120)
    }

    @Test(arguments: Corpus.valid.filter(\.isAgreed))
    func foundationAcceptsValidText(_ sample: Sample) {
        #expect(isAcceptedByFoundation(sample.bytes))
    }

    @Test(arguments: Corpus.invalid.map(\.sample).filter(\.isAgreed))
    func foundationRefusesInvalidText(_ sample: Sample) {
        #expect(!isAcceptedByFoundation(sample.bytes))
    }

    @Test(arguments: Corpus.valid)
    func partOfBufferIsReadAlone(_ sample: Sample) throws {
        let bytes = Array("}],\"".utf8) + sample.bytes + Array("\\u{[\"".utf8)
        let value = try Value.parse(bytes, in: 4..<4 + sample.bytes.count)
        #expect(try Array(value.text) == Array(Value.parse(sample.bytes).text))
        #expect(try value.compacted() == Value.parse(sample.bytes).compacted())
    }

    @Test(arguments: Corpus.invalid)
    func faultInPartOfBufferIsRelativeToTheBuffer(_ refused: Refused) {
        let bytes = Array("1,2\n".utf8) + refused.sample.bytes + Array("\"]}0\n".utf8)
        let moved = Fault(offset: refused.fault.offset + 4, reason: refused.fault.reason)
        #expect(throws: moved) { try Value.parse(bytes, in: 4..<4 + refused.sample.bytes.count) }
    }

    @Test(arguments: [(-5..<2, 2), (0..<90, 4), (8..<20, 4), (2..<2, 2)])
    func rangeOutsideBufferIsTakenAsMissing(_ range: Range<Int>, _ end: Int) {
        #expect(throws: Fault(offset: end, reason: .unexpectedEnd)) {
            try Value.parse(Array("[1,2".utf8), in: range)
        }
    }

    @Test(arguments: 0..<Sample.document.count)
    func everyTruncationIsRefused(_ length: Int) {
        let fault = #expect(throws: Fault.self) { try Value.parse(Array(Sample.document.prefix(length))) }
        #expect(fault?.offset ?? -1 <= length)
        #expect(fault?.reason == .unexpectedEnd || fault?.reason == .invalidUTF8)
    }

    @Test(arguments: 0..<Sample.document.count)
    func everyTruncationByRangeIsRefused(_ length: Int) {
        let whole = Result { try Value.parse(Array(Sample.document.prefix(length))).count }
        let part = Result { try Value.parse(Sample.document, in: 0..<length).count }
        #expect(throws: Fault.self) { try part.get() }
        #expect("\(whole)" == "\(part)")
    }

    @Test(arguments: [(0, 0), (0, 1), (1, 1), (3, 2), (3, 3), (64, 64), (500, 499), (100_000, 100_000)])
    func depthIsLimited(_ depth: Int, _ limit: Int) throws {
        let opening = Array(repeating: UInt8(ascii: "["), count: depth)
        let bytes = opening + Array(depth == 0 ? "1".utf8 : "".utf8) + Array(repeating: UInt8(ascii: "]"), count: depth)
        if depth <= limit {
            #expect(try Value.parse(bytes, maxDepth: limit).text.count == bytes.count)
        } else {
            #expect(throws: Fault(offset: limit, reason: .depthExceeded(limit: limit))) {
                try Value.parse(bytes, maxDepth: limit)
            }
        }
    }

    @Test(arguments: [1, 2, 15, 16, 17, 18, 40, 1000])
    func duplicateIsFoundInObjectsOfAnySize(_ size: Int) throws {
        let names = (0..<size).map { "\"name\($0)\":\($0)" }
        let distinct = "{" + names.joined(separator: ",") + "}"
        #expect(try Value.parse(Array(distinct.utf8)).count == size)
        for place in [0, size / 2, size - 1] {
            let repeated = distinct.dropLast() + ",\"n\\u0061me\(place)\":0}"
            let fault = Fault(offset: distinct.utf8.count, reason: .duplicateMember("name\(place)"))
            #expect(throws: fault) { try Value.parse(Array(repeated.utf8)) }
        }
    }

    @Test
    func namesOfClosedObjectsAreForgotten() throws {
        let escaped = (0..<40).map { "\"\\u0061\($0)\":{\"\\u0061\($0)\":[]}" }.joined(separator: ",")
        let value = try Value.parse(Array("[{\(escaped)},{\(escaped)}]".utf8))
        #expect(value.elements.map(\.count) == [40, 40])
        #expect(value.elements.allSatisfy { $0["a39"]?["a39"]?.kind == .array })
    }

    /// Comparing all pairs would take minutes.
    @Test(.timeLimit(.minutes(1)))
    func workForManyNamesIsNotQuadratic() throws {
        let names = (100_000..<140_000).map { "\"\($0)\":0" }.joined(separator: ",")
        #expect(try Value.parse(Array("{\(names)}".utf8)).count == 40_000)
        #expect(throws: Fault(offset: names.utf8.count + 2, reason: .duplicateMember("120000"))) {
            try Value.parse(Array("{\(names),\"120000\":0}".utf8))
        }
    }

    private func isAcceptedByFoundation(_ bytes: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
    }
}

// SPDX-License-Identifier: Apache-2.0

import RedisBus

/// What is made of the replies of Redis.
enum RedisReading {
    private static let limits: RedisReader.Limits = {
        var limits = RedisReader.Limits()
        limits.replyBytes = 256
        limits.lineBytes = 64
        limits.elements = 32
        return limits
    }()

    private static func outcome(of pieces: [ArraySlice<UInt8>]) throws -> (values: [RedisValue], isFaulty: Bool) {
        var reader = try RedisReader(limits: Self.limits)
        var values: [RedisValue] = []
        do throws(RedisFault) {
            for piece in pieces {
                unsafe piece.withUnsafeBytes { unsafe reader.feed($0) }
                while let value = try reader.next() { values.append(value) }
            }
            return (values, false)
        } catch {
            return (values, true)
        }
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

    static func check(_ bytes: ArraySlice<UInt8>, cut: Int) throws {
        let (whole, pieces) = (try Self.outcome(of: [bytes]), try Self.outcome(of: bytes.pieces(cut)))
        try expect(whole.values == pieces.values, "whole: \(whole.values), in pieces: \(pieces.values)")
        try expect(whole.isFaulty == pieces.isFaulty, "the fault depends on the pieces")
        for value in whole.values {
            let (bytes, elements) = Self.size(of: value)
            try expect(bytes <= Self.limits.replyBytes, "a reply of \(bytes) bytes")
            try expect(elements <= Self.limits.elements, "a reply of \(elements) elements")
        }
    }
}

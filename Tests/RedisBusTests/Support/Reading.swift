// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RedisBus

/// What a reader makes of bytes: values until the end or a fault.
struct Reading: Equatable {
    var values: [RedisValue] = []
    var fault: RedisFault?

    /// - Parameter pieces: Fed one after the other, with everything read in between.
    init(_ pieces: [ArraySlice<UInt8>], limits: RedisReader.Limits = RedisReader.Limits()) throws {
        var reader = try RedisReader(limits: limits)
        do throws(RedisFault) {
            for piece in pieces {
                unsafe piece.withUnsafeBytes { unsafe reader.feed($0) }
                while let value = try reader.next() {
                    self.values.append(value)
                }
            }
        } catch {
            self.fault = error
        }
    }

    init(_ text: String, limits: RedisReader.Limits = RedisReader.Limits()) throws {
        try self.init([Array(text.utf8)[...]], limits: limits)
    }
}

extension RedisReader.Limits {
    static let small: RedisReader.Limits = {
        var limits = RedisReader.Limits()
        limits.replyBytes = 256
        limits.lineBytes = 64
        limits.elements = 32
        return limits
    }()
}

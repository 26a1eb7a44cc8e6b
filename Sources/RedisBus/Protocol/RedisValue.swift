// SPDX-License-Identifier: Apache-2.0

/// One reply or push of a Redis server (RESP2).
package enum RedisValue: Sendable, Equatable {
    /// A status such as `OK`.
    case simple(String)
    /// An error reply of Redis: `WRONGPASS …`.
    case error(String)
    case integer(Int)
    case bulk([UInt8])
    case array([RedisValue])
    case null

    /// The text of a status or a bulk string; nil for everything else.
    var text: String? {
        switch self {
        case .simple(let text): text
        case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        case .error, .integer, .array, .null: nil
        }
    }

    /// Whether it is a bulk string with exactly these bytes.
    func isBulk(_ text: StaticString) -> Bool {
        guard case .bulk(let bytes) = self else { return false }
        return unsafe bytes.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

/// Why the server's data cannot be decoded. The connection is unusable afterwards.
package enum RedisFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// Not the Redis protocol, with the error of hiredis.
    case malformed(String)
    /// A reply contains or announces more string bytes than allowed.
    case replyTooLarge(limit: Int)
    /// A reply contains or announces more elements than allowed.
    case tooManyElements(limit: Int)
    /// A status, an error or a number is too long.
    case lineTooLong(limit: Int)
    case outOfMemory

    package var description: String {
        switch self {
        case .malformed(let reason):
            "the server does not use the Redis protocol: \(reason)"
        case .replyTooLarge(let limit):
            "the server sent a reply of more than \(limit) bytes"
        case .tooManyElements(let limit):
            "the server sent a reply of more than \(limit) elements"
        case .lineTooLong(let limit):
            "the server sent a line of more than \(limit) bytes"
        case .outOfMemory:
            "there is no memory for the server's reply"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// One reply or push of a Redis server (RESP2).
package enum RedisValue: Sendable, Equatable {
    /// A status such as `OK`.
    case simple(String)
    /// A refusal, in Redis' own words: `WRONGPASS …`.
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

    /// Whether it is a bulk string with just these bytes.
    func isBulk(_ text: StaticString) -> Bool {
        guard case .bulk(let bytes) = self else { return false }
        return unsafe bytes.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

/// Why what a server sends cannot be read on. The connection is of no more use.
package enum RedisFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// Not the protocol of Redis, as hiredis puts it.
    case malformed(String)
    /// One reply has, or announces, more bytes of strings than are accepted.
    case replyTooLarge(limit: Int)
    /// One reply has, or announces, more elements than are accepted.
    case tooManyElements(limit: Int)
    /// A status, an error or a number does not end.
    case lineTooLong(limit: Int)
    case outOfMemory

    package var description: String {
        switch self {
        case .malformed(let reason):
            "the server does not speak the protocol of Redis: \(reason)"
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

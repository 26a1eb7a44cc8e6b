// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The purpose of a connection, with its first command.
package enum RedisOpening: Sendable {
    /// Subscribes to these channels.
    case subscribe([String])
    /// Subscribes to the channels that match these patterns.
    case psubscribe([String])
    /// Sends commands; the first message checks that Redis accepts them.
    case publish(channel: String, first: ByteBuffer)

    /// The command's name.
    var name: String {
        switch self {
        case .subscribe: "SUBSCRIBE"
        case .psubscribe: "PSUBSCRIBE"
        case .publish: "PUBLISH"
        }
    }

    var command: ByteBuffer {
        switch self {
        case .subscribe(let names), .psubscribe(let names):
            RedisCommand.format([self.name] + names)
        case .publish(let channel, let first):
            RedisCommand.format([self.name, channel], payload: first)
        }
    }
}

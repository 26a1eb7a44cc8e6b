// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// What a connection is for, and the first command that says so.
package enum RedisOpening: Sendable {
    /// Messages of these channels.
    case subscribe([String])
    /// Messages of the channels that match these patterns.
    case psubscribe([String])
    /// Commands; the first message shows that Redis lets them through.
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

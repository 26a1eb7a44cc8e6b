// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// Asks the publisher of a source to send again what comes after a message.
package struct FanInRequest: Sendable, Equatable {
    /// Stands before the name of the channel that the source publishes on, in the name of the one that it hears
    /// requests on.
    package static let prefix = "ask."

    /// Where the source publishes.
    package var channel: String
    package var source: String
    /// The number of the last message that was taken in; 0 for none.
    package var after: Int

    package init(channel: String, source: String, after: Int) {
        self.channel = channel
        self.source = source
        self.after = after
    }

    /// Reads a message that came on a channel of requests; nil for anything else.
    package init?(_ message: FanInMessage) {
        guard let channel = message.channel.rest(after: Self.prefix),
            let value = try? JSON.Value.parse(message.payload),
            let source = value["source"]?.string, let after = value["after"]?.integer(in: .seq)
        else { return nil }
        self.init(channel: String(channel), source: source, after: after)
    }

    /// As it is sent.
    package var message: FanInMessage {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("source", string: self.source)
        writer.member("after", integer: self.after)
        writer.endObject()
        return FanInMessage(channel: Self.prefix + self.channel, payload: writer.bytes)
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// Asks the publisher of a source to resend the messages after a number.
package struct FanInRequest: Sendable, Equatable {
    /// The publisher receives requests on a channel with this prefix and the name of the channel it publishes on.
    package static let prefix = "ask."

    /// The channel the source publishes on.
    package var channel: String
    package var source: String
    /// The number of the last accepted message; 0 for none.
    package var after: Int

    package init(channel: String, source: String, after: Int) {
        self.channel = channel
        self.source = source
        self.after = after
    }

    /// Parses a message received on a request channel; nil for anything else.
    package init?(_ message: FanInMessage) {
        guard let channel = message.channel.rest(after: Self.prefix),
            let value = try? JSON.Value.parse(message.payload),
            let source = value["source"]?.string, let after = value["after"]?.integer(in: .seq)
        else { return nil }
        self.init(channel: String(channel), source: source, after: after)
    }

    /// The request as a message.
    package var message: FanInMessage {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("source", string: self.source)
        writer.member("after", integer: self.after)
        writer.endObject()
        return FanInMessage(channel: Self.prefix + self.channel, payload: writer.bytes)
    }
}

/// What a hub needs for the fan-in.
package struct FanInPorts: Sendable {
    package var source: any FanInSource
    package var store: any FanInStore
    /// Called when a source has skipped numbers. Called from any thread; must not block.
    package var onGap: FanIn.OnGap
    /// Sends a request to the publisher of a source. Called from any thread; must not block; the request may be lost.
    package var ask: FanIn.Ask

    package init(
        source: any FanInSource,
        store: any FanInStore,
        onGap: @escaping FanIn.OnGap = { _ in },
        ask: @escaping FanIn.Ask = { _ in }
    ) {
        self.source = source
        self.store = store
        self.onGap = onGap
        self.ask = ask
    }
}

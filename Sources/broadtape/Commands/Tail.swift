// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BroadtapeClient
import JSON
import SafeText
import Terminal

/// `broadtape tail`: follows channels.
struct Tail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Follow channels: one JSON object per line on standard output, everything else on standard error.",
        discussion: "Reconnects and resumes automatically, so that no event is missed or shown twice."
    )

    @Argument(help: "Channels such as rateChange:BTC/USDT; balanceUpdate alone is the channel of the token's subject.")
    var channels: [String]

    @Option(help: "Start after this sequence number; 0 starts with the first event.")
    var since: Int?

    @Option(help: "Epoch that --since belongs to.")
    var epoch: String?

    @Option(help: "Exit after this many events.")
    var count: Int?

    @OptionGroup var hub: HubOptions

    func run() async throws {
        let position: Subscription.Start = self.since.map { .after($0, epoch: self.epoch) } ?? .typeDefault
        let subscriber = try Subscriber(
            to: try self.hub.address(),
            subscriptions: self.channels.map { Subscription($0, from: position) },
            token: self.hub.tokenProvider,
            tls: self.hub.credentials
        )
        let limit = self.count ?? .max
        try await subscriber.run { updates in
            var shown = 0
            for await update in updates {
                switch update {
                case .snapshot(let event), .event(let event):
                    Self.show(event)
                    shown += 1
                    if shown >= limit { return }
                default:
                    Self.note(update)
                }
            }
        }
    }

    private static func show(_ event: BroadtapeClient.Event) {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("channel", string: event.channel)
        writer.member("seq", integer: event.seq)
        writer.member("epoch", string: event.epoch)
        if event.skipped > 0 { writer.member("skipped", integer: event.skipped) }
        writer.member("id", string: event.id)
        writer.member("time", string: event.time)
        writer.member("data", raw: event.data)
        writer.endObject()
        StandardStream.output.print(String(decoding: writer.bytes, as: UTF8.self))
    }

    private static func note(_ update: Update) {
        let text: String? =
            switch update {
            case .connected(_, let node): "connected to \(node)"
            case .authenticated(let user): "authenticated as \(user)"
            case .subscribed(let position, let mode): "\(position.channel): \(mode) at \(position.seq)"
            case .caughtUp(let channel, let seq): "\(channel): caught up at \(seq)"
            case .gap(let gap): "\(gap.channel): gap after \(gap.after) (\(gap.reason))"
            case .refused(let channel, let code, let message): "\(channel): \(code): \(message)"
            case .behind(let channel, true, let head, let seq): "\(channel): at \(seq), the hub is at \(head)"
            case .paused(true): "the hub cannot commit events now"
            case .paused(false): "the hub commits events again"
            case .stale(let sources): sources.isEmpty ? "no source is stale any more" : "stale: \(sources)"
            case .notice(let code, let message): "\(code): \(message)"
            case .disconnected(let ending, let retry): "disconnected (\(ending)); reconnecting in \(retry) ms"
            case .snapshot, .event, .behind: nil
            }
        if let text { StandardStream.error.tell("# \(Escape.text(text))") }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Hub
import Hummingbird
import HummingbirdCore
import JSON

/// `GET /channels?prefix=&after=&limit=`, `GET /channels/{channel}/events?after=&limit=`: the tape.
extension AdminAPI {
    private static let channelPrefix = "/channels/"
    private static let eventsSuffix = "/events"

    /// `{"channels": [{"channel", "epoch", "head", "first", "subscribers"}], "next"}`, ascending by name; `subscribers`
    /// counts those of this node. Pass `next` as `after` for the next page.
    func channels(_ request: Request) async throws(Problem) -> Response {
        let parameters = request.uri.queryParameters
        let limit = try Self.limit(parameters["limit"])
        let prefix = parameters["prefix"].map { String($0) } ?? ""
        let after = parameters["after"].map { String($0) }
        let found: [ChannelListing]
        do throws(TapeFault) {
            found = try await self.hub.tape.channels(withPrefix: prefix, after: after, limit: limit + 1)
        } catch {
            throw Problem(MessageFault(.unavailable, "the channels cannot be read now; try again"))
        }
        let subscribers = await self.hub.subscribers(of: found.map(\.name))
        var writer = JSON.Writer()
        writer.beginObject()
        writer.name("channels")
        writer.beginArray()
        for listing in found.prefix(limit) {
            writer.beginObject()
            writer.member("channel", string: listing.name.description)
            writer.member("epoch", string: listing.extent.epoch)
            writer.member("head", integer: listing.extent.head)
            writer.member("first", integer: listing.extent.first)
            writer.member("subscribers", integer: subscribers[listing.name] ?? 0)
            writer.endObject()
        }
        writer.endArray()
        writer.member("next", orNull: found.count > limit ? found[limit - 1].name.description : nil)
        writer.endObject()
        return Response(shown: writer)
    }

    /// `{"channel", "epoch", "head", "first", "events", "next"}`, oldest first; without `after`, the newest. Reading a
    /// private channel is recorded in the audit trail first, like reading by support staff.
    func events(_ request: Request) async throws(Problem) -> Response {
        guard let name = request.uri.path.rest(after: Self.channelPrefix)?.beginning(before: Self.eventsSuffix) else {
            throw Problem(.notFound, code: "not_found", "the paths are /channels and /channels/{channel}/events")
        }
        guard let channel = ChannelName(parsing: name.removingPercentEncoding ?? String(name)) else {
            throw Self.bad("a channel has the form type:key")
        }
        let parameters = request.uri.queryParameters
        let limit = try Self.limit(parameters["limit"])
        var after: Int?
        if let text = parameters["after"] {
            guard let number = Int(decimal: text, in: .seq) else {
                throw Self.bad("after is \(ClosedRange.seq.expectation())")
            }
            after = number
        }
        if self.hub.types[channel.type]?.readers != .everyone {
            let name = Self.operator(parameters["by"].map { String($0) })
            do throws(TapeFault) {
                try await self.hub.audit.write(.supportRead, by: name, on: channel.description, detail: "admin port")
            } catch {
                throw Problem(MessageFault(.unavailable, "the audit trail cannot be written now, so nothing is shown"))
            }
        }
        if after == nil {
            do throws(TapeFault) {
                let extent = try await self.hub.tape.extents(of: [channel])[channel]
                after = extent.map { max($0.first - 1, $0.head - limit) }
            } catch {
                throw Problem(MessageFault(.unavailable, "the channel cannot be read now; try again"))
            }
        }
        let page: TapePage
        switch await self.hub.history(of: channel, after: after, limit: limit) {
        case .success(let found): page = found
        case .failure(let fault): throw Problem(fault)
        }
        let subscribers = await self.hub.subscribers(of: [channel])
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("channel", string: channel.description)
        writer.member("epoch", string: page.extent.epoch)
        writer.member("head", integer: page.extent.head)
        writer.member("first", integer: page.extent.first)
        writer.member("subscribers", integer: subscribers[channel] ?? 0)
        writer.events(page.entries)
        writer.member("next", integer: page.entries.last?.seq ?? after ?? page.extent.head)
        writer.endObject()
        return Response(shown: writer)
    }
}

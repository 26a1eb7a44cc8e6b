// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import HTTPTypes
import Hub
import Hummingbird
import HummingbirdCore
import JSON

/// `GET /channels`, `/channels/{channel}`, `/channels/{channel}/events`.
extension API {
    /// Allowed number of channels per page.
    private static let listingLimit = 1...1000
    private static let prefix = "/channels/"
    private static let eventsSuffix = "/events"

    /// Lists channels that the caller may read.
    func channels(_ request: Request) async throws(Problem) -> Response {
        let principal = try await self.principal(of: request)
        let query = Query(request)
        let (listings, next) = try await self.readable(
            prefix: query["prefix"] ?? "",
            after: query["after"],
            limit: try query.number("limit", range: Self.listingLimit) ?? 100,
            by: principal
        )
        var writer = JSON.Writer()
        writer.beginObject()
        writer.name("channels")
        writer.beginArray()
        for listing in listings {
            writer.beginObject()
            writer.member("channel", string: listing.name.description)
            writer.extent(listing.extent)
            writer.endObject()
        }
        writer.endArray()
        writer.member("next", orNull: next)
        writer.endObject()
        return Response(json: writer)
    }

    /// The channels that the caller may see; names of other users' channels are private. Searches only types that the
    /// caller may read completely, and the caller's own channel of the other types.
    /// - Returns: At most `limit` channels, and the name to continue after if there may be more.
    private func readable(
        prefix: String,
        after: String?,
        limit: Int,
        by principal: Principal?
    ) async throws(Problem) -> (listings: [ChannelListing], next: String?) {
        var found: [ChannelListing] = []
        // In the order of names on the tape, which is bytewise.
        let types = self.hub.types.all.sorted { ($0.name + ":").precedes($1.name + ":") }
        for type in types {
            let whole = type.name + ":"
            let wanted = prefix.utf8.starts(with: whole.utf8) ? prefix : whole
            guard wanted.utf8.starts(with: prefix.utf8) else { continue }
            if self.readsAll(type, principal) {
                found += try await self.listings(prefix: wanted, after: after, limit: limit + 1 - found.count)
            } else if let principal {
                let own = ChannelName(type: type.name, key: principal.subject)
                guard self.mayRead(own, principal), own.description.utf8.starts(with: wanted.utf8) else { continue }
                found += try await self.listings(prefix: own.description, after: after, limit: 1).filter {
                    $0.name == own
                }
            }
            if found.count > limit {
                found.removeLast(found.count - limit)
                return (found, found.last?.name.description)
            }
        }
        return (found, nil)
    }

    private func readsAll(_ type: EventType, _ principal: Principal?) -> Bool {
        switch type.readers {
        case .everyone: principal != nil || self.hub.configuration.allowsAnonymousReading
        case .owner, .scope: principal?.mayReadAll(type.name) ?? false
        }
    }

    private func listings(prefix: String, after: String?, limit: Int) async throws(Problem) -> [ChannelListing] {
        try await self.read { () async throws(TapeFault) in
            try await self.hub.tape.channels(withPrefix: prefix, after: after, limit: limit)
        }
    }

    private func mayRead(_ channel: ChannelName, _ principal: Principal?) -> Bool {
        do throws(MessageFault) {
            _ = try self.hub.readableType(of: channel, by: principal)
            return true
        } catch {
            return false
        }
    }

    /// One channel's extent and newest events, or a page of its history.
    func channel(_ request: Request) async throws(Problem) -> Response {
        let path = String(request.uri.path.rest(after: Self.prefix) ?? "")
        let name = path.beginning(before: Self.eventsSuffix)
        let wantsEvents = name != nil
        let raw = name.map { String($0) } ?? path
        guard let channel = ChannelName(parsing: raw.removingPercentEncoding ?? raw) else {
            throw Problem(.badRequest, code: ErrorCode.badRequest.rawValue, "a channel has the form type:key")
        }
        let principal = try await self.principal(of: request)
        let keeping: Keeping
        do throws(MessageFault) {
            keeping = self.keeping(of: try self.hub.openForReading(channel, by: principal, how: "GET"))
        } catch {
            throw Problem(error)
        }
        if let unchanged = try await self.unchanged(request, channel, keeping) { return unchanged }
        return wantsEvents
            ? try await self.events(of: channel, request, keeping)
            : try await self.state(of: channel, request, keeping)
    }

    /// 304 for a client with the current state, without reading an event.
    private func unchanged(
        _ request: Request,
        _ channel: ChannelName,
        _ keeping: Keeping
    ) async throws(Problem) -> Response? {
        guard request.headers[.ifNoneMatch] != nil else { return nil }
        let extents = try await self.read { () async throws(TapeFault) in
            try await self.hub.tape.extents(of: [channel])
        }
        return extents[channel].flatMap { self.unchanged(request, EntityTag($0), keeping) }
    }

    private func state(
        of channel: ChannelName,
        _ request: Request,
        _ keeping: Keeping
    ) async throws(Problem) -> Response {
        let pages = try await self.read { () async throws(TapeFault) in
            try await self.hub.tape.latest(of: [channel])
        }
        guard let page = pages[channel] else {
            throw Problem(MessageFault(.unavailable, "the channel cannot be read now; try again"))
        }
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("channel", string: channel.description)
        writer.extent(page.extent)
        writer.name("latest")
        if let newest = page.entries.last {
            writer.entry(newest)
        } else {
            writer.null()
        }
        if self.hub.types[channel.type]?.slot != nil {
            writer.name("slots")
            writer.beginObject()
            for entry in page.entries {
                writer.name(entry.slot)
                writer.entry(entry)
            }
            writer.endObject()
        }
        writer.endObject()
        return self.answer(writer, to: request, tag: EntityTag(page.extent), keeping)
    }

    private func events(
        of channel: ChannelName,
        _ request: Request,
        _ keeping: Keeping
    ) async throws(Problem) -> Response {
        let query = Query(request)
        let after = try query.number("after", range: .seq)
        let limit = try query.number("limit", range: ClientMessage.historyLimit) ?? 100
        switch await self.hub.history(of: channel, after: after, limit: limit) {
        case .failure(let fault):
            throw Problem(fault)
        case .success(let page):
            var writer = JSON.Writer()
            writer.beginObject()
            writer.member("channel", string: channel.description)
            writer.extent(page.extent)
            writer.events(page.entries)
            writer.member("next", integer: page.entries.last?.seq ?? after ?? page.extent.head)
            writer.endObject()
            return self.answer(writer, to: request, tag: EntityTag(page.extent), keeping)
        }
    }
}

extension JSON.Writer {
    fileprivate mutating func extent(_ extent: Extent) {
        self.member("epoch", string: extent.epoch)
        self.member("head", integer: extent.head)
        self.member("first", integer: extent.first)
    }
}

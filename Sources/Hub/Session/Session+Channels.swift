// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// Channel requests of a session.
extension Session {
    private struct Wanted: Sendable {
        let request: SubscriptionRequest
        let channel: WantedChannel
        /// Whether the head has been read from the log for this request.
        var hasAsked = false

        init(_ request: SubscriptionRequest, name: ChannelName, type: EventType) {
            let wantsSnapshot = request.since == nil && (request.snapshot ?? (type.delivery == .latest))
            self.request = request
            self.channel = WantedChannel(name: name, type: type, wantsNewest: wantsSnapshot)
        }
    }

    /// How often subscribing is retried if the channel changes meanwhile.
    private static let joinAttempts = 3

    /// Subscribes to channels, with a separate response for each.
    package func subscribe(_ requests: [SubscriptionRequest], id: RequestID?) {
        guard let room = self.onShard({ $0.room(of: $1) }) else { return }
        guard requests.count <= room else {
            let limit = self.shard.limits.subscriptionsPerMember
            let message = "a session has at most \(limit) subscriptions"
            self.send(.error(id: id, code: .tooManySubscriptions, message: message))
            return self.close(.tooManySubscriptions(limit: limit))
        }
        var wanted: [Wanted] = []
        for request in requests {
            do throws(MessageFault) {
                let (name, type) = try self.readable(request.channel, how: "subscribe")
                wanted.append(Wanted(request, name: name, type: type))
            } catch {
                self.send(.error(id: id, code: error.code, message: error.message, channel: request.channel))
            }
        }
        self.join(wanted, id: id, attempts: Self.joinAttempts)
    }

    private func join(_ wanted: [Wanted], id: RequestID?, attempts: Int) {
        // Channels already read from the log for this request are not read again.
        let trust = attempts == Self.joinAttempts ? self.hub.idleTrust : nil
        let (rest, ahead) = self.attempt(wanted, id: id)
        guard !rest.isEmpty else { return }
        guard attempts > 0 else {
            return self.refuse(rest, id: id)
        }
        let channels = rest.map(\.channel)
        if ahead.isEmpty, self.onShard({ shard, _ in shard.followNow(channels, trust: trust) }) == true {
            return self.followed(rest, isOpen: true, id: id, attempts: attempts - 1)
        }
        let (hub, shard) = (self.hub, self.shard)
        self.wait {
            var isOpen = true
            do throws(TapeFault) {
                try await shard.follow(channels, trust: trust)
                if !ahead.isEmpty { isOpen = await hub.learnHeads(of: ahead) }
            } catch {
                isOpen = false
            }
            await self.waited(rest, isOpen: isOpen, id: id, attempts: attempts - 1)
        }
    }

    /// Subscribes to the channels that this loop already follows.
    /// - Returns: The channels that it does not follow yet, and those whose heads must be read from the log.
    private func attempt(_ wanted: [Wanted], id: RequestID?) -> (rest: [Wanted], ahead: [ChannelName]) {
        let mayBeBehind = self.hub.mayBeBehind
        var rest: [Wanted] = []
        var ahead: [ChannelName] = []
        for var want in wanted {
            let mayBeAhead = mayBeBehind && !want.hasAsked
            switch self.onShard({ [want] shard, member in
                shard.join(member, to: want.channel, request: want.request, id: id, mayBeBehind: mayBeAhead)
            }) {
            case .joined, nil:
                break
            case .ahead:
                ahead.append(want.channel.name)
                want.hasAsked = true
                rest.append(want)
            case .unfollowed:
                rest.append(want)
            case .refused(let fault):
                self.send(
                    .error(
                        id: id,
                        code: fault.code,
                        message: fault.message,
                        channel: want.channel.name.description
                    )
                )
            }
        }
        return (rest, ahead)
    }

    private func waited(_ wanted: [Wanted], isOpen: Bool, id: RequestID?, attempts: Int) {
        guard !self.isEnded else { return self.release(wanted) }
        self.resume { self.followed(wanted, isOpen: isOpen, id: id, attempts: attempts) }
    }

    /// The loop now follows the channels, or following them has failed.
    private func followed(_ wanted: [Wanted], isOpen: Bool, id: RequestID?, attempts: Int) {
        if isOpen {
            self.join(wanted, id: id, attempts: attempts)
        } else {
            self.refuse(wanted, id: id)
        }
        self.release(wanted)
    }

    private func release(_ wanted: [Wanted]) {
        self.shard.assumeIsolated { $0.release(wanted.map(\.channel.name)) }
    }

    private func refuse(_ wanted: [Wanted], id: RequestID?) {
        for want in wanted {
            self.send(
                .error(
                    id: id,
                    code: .unavailable,
                    message: "the channel cannot be read now; try again",
                    channel: want.channel.name.description
                )
            )
        }
    }

    func unsubscribe(_ channel: String, id: RequestID?) {
        guard let name = self.hub.channelName(channel, of: self.principal),
            self.onShard({ $0.leave($1, channel: name) }) == true
        else {
            self.send(
                .error(
                    id: id,
                    code: .notSubscribed,
                    message: "the session is not subscribed to \(channel.cut(to: ChannelName.maxKeyLength))"
                )
            )
            return
        }
        self.send(.unsubscribed(id: id, channel: name))
    }

    /// Ends the subscriptions that a new token no longer allows.
    func endForbidden() {
        for channel in self.shard.assumeIsolated({ $0.subscriptions(of: self) }).sorted() {
            do throws(MessageFault) {
                _ = try self.hub.readableType(of: channel, by: self.principal)
            } catch {
                self.onShard { $0.leave($1, channel: channel) }
                self.send(.unsubscribed(id: nil, channel: channel, reason: error.code))
            }
        }
    }

    func history(_ channel: String, after: Int?, limit: Int, id: RequestID?) {
        let name: ChannelName
        do throws(MessageFault) {
            name = try self.readable(channel, how: "history").name
        } catch {
            return self.send(.error(id: id, code: error.code, message: error.message, channel: channel))
        }
        let hub = self.hub
        self.wait {
            let reply: ServerMessage
            switch await hub.history(of: name, after: after, limit: limit) {
            case .success(let page):
                reply = .history(
                    id: id,
                    channel: name,
                    epoch: page.extent.epoch,
                    entries: page.entries,
                    next: page.entries.last?.seq ?? after ?? page.extent.head
                )
            case .failure(let fault):
                reply = .error(id: id, code: fault.code, message: fault.message, channel: name.description)
            }
            await self.answer(reply)
        }
    }

    private func answer(_ reply: ServerMessage) {
        self.resume { self.send(reply) }
    }

    private func readable(_ text: String, how: String) throws(MessageFault) -> (name: ChannelName, type: EventType) {
        if self.principal == nil, let type = self.hub.types[ChannelName.type(of: text)], type.readers != .everyone {
            throw MessageFault(.notAuthenticated, "\(type.name) needs a token; send {\"op\":\"auth\"} first")
        }
        guard let name = self.hub.channelName(text, of: self.principal) else {
            throw MessageFault(
                .badRequest,
                "a channel is written type:key; \"\(text.cut(to: ChannelName.maxKeyLength))\" is not"
            )
        }
        return (name, try self.hub.openForReading(name, by: self.principal, how: how))
    }
}

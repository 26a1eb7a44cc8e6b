// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON

/// What a session does with channels.
extension Session {
    private struct Wanted: Sendable {
        let request: SubscriptionRequest
        let channel: EventChannel
    }

    /// How often a subscription looks a channel up again that was given up under its hands.
    private static let joinAttempts = 3

    /// Subscribes, and answers for each channel by itself.
    package func subscribe(_ requests: [SubscriptionRequest], id: RequestID?) {
        let room = self.roster.assumeIsolated { $0.room(of: self) }
        guard requests.count <= room else {
            let limit = self.roster.limits.subscriptionsPerMember
            let message = "a session has at most \(limit) subscriptions"
            self.send(.error(id: id, code: .tooManySubscriptions, message: message))
            return self.close(.tooManySubscriptions(limit: limit))
        }
        var wanted: [Wanted] = []
        for request in requests {
            do throws(MessageFault) {
                let (name, type) = try self.readable(request.channel, how: "subscribe")
                wanted.append(Wanted(request: request, channel: self.hub.registry.channel(name, type: type)))
            } catch {
                self.send(.error(id: id, code: error.code, message: error.message, channel: request.channel))
            }
        }
        self.join(wanted, id: id, attempts: Self.joinAttempts)
    }

    private func join(_ wanted: [Wanted], id: RequestID?, attempts: Int) {
        var unopened: [Wanted] = []
        var ahead: [EventChannel] = []
        // What was read from the tape for this request is not read again.
        let isFirst = attempts == Self.joinAttempts
        let trust = isFirst ? self.hub.idleTrust : nil
        let mayBeBehind = isFirst && self.hub.mayBeBehind
        for want in wanted {
            switch self.roster.assumeIsolated({ roster in
                roster.join(
                    self,
                    channel: want.channel,
                    request: want.request,
                    id: id,
                    trust: trust,
                    mayBeBehind: mayBeBehind
                )
            }) {
            case .joined:
                break
            case .ahead:
                ahead.append(want.channel)
                unopened.append(want)
            case .unopened:
                let channel = self.hub.registry.channel(want.channel.name, type: want.channel.type)
                unopened.append(Wanted(request: want.request, channel: channel))
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
        guard !unopened.isEmpty else { return }
        guard attempts > 0 else {
            return self.refuse(unopened, id: id)
        }
        let hub = self.hub
        let (waiting, outdated) = (unopened, ahead)
        self.wait {
            var isOpen = true
            do throws(TapeFault) {
                if !outdated.isEmpty { isOpen = await hub.learnHeads(of: outdated) }
                try await hub.reader.open(waiting.map(\.channel))
            } catch {
                isOpen = false
            }
            await self.opened(waiting, isOpen: isOpen, id: id, attempts: attempts - 1)
        }
    }

    private func opened(_ wanted: [Wanted], isOpen: Bool, id: RequestID?, attempts: Int) {
        self.resume {
            if isOpen {
                self.join(wanted, id: id, attempts: attempts)
            } else {
                self.refuse(wanted, id: id)
            }
        }
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
            self.roster.assumeIsolated({ $0.leave(self, channel: name) })
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

    /// Ends the subscriptions that a new token does not allow any more.
    func endForbidden() {
        for channel in self.roster.assumeIsolated({ $0.subscriptions(of: self) }).sorted() {
            do throws(MessageFault) {
                _ = try self.hub.readableType(of: channel, by: self.principal)
            } catch {
                self.roster.assumeIsolated { _ = $0.leave(self, channel: channel) }
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

// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON

/// Read operations shared by sessions and the HTTP API.
extension Hub {
    /// Parses a channel name sent by a client; nil if it is invalid. A private type alone means the caller's own
    /// channel.
    package func channelName(_ text: String, of principal: Principal?) -> ChannelName? {
        if !text.utf8.contains(UInt8(ascii: ":")), let type = self.types[text], type.readers == .owner,
            let principal, ChannelName.isValidKey(principal.subject)
        {
            return ChannelName(type: type.name, key: principal.subject)
        }
        return ChannelName(parsing: text)
    }

    /// The type of a channel that the principal may read.
    package func readableType(of channel: ChannelName, by principal: Principal?) throws(MessageFault) -> EventType {
        guard let type = self.types[channel.type] else {
            let known = self.types.all.map(\.name).joined(separator: ", ")
            throw MessageFault(.unknownType, "there is no event type \(channel.type); there are \(known)")
        }
        if principal == nil, !self.configuration.allowsAnonymousReading || type.readers != .everyone {
            throw MessageFault(.notAuthenticated, "reading \(channel) needs a token")
        }
        guard type.mayRead(channel, principal, supportScope: self.configuration.supportScope) else {
            throw MessageFault(.forbidden, "\(channel) is not yours to read")
        }
        return type
    }

    /// The type of a channel that the principal is about to read. If support staff read a user's private channel, this
    /// is recorded in the audit trail; if it cannot be recorded, the read is rejected.
    /// - Parameter how: The operation, for the audit trail.
    package func openForReading(
        _ channel: ChannelName,
        by principal: Principal?,
        how: String
    ) throws(MessageFault) -> EventType {
        let type = try self.readableType(of: channel, by: principal)
        guard type.readers == .owner, let principal, principal.has(self.configuration.supportScope),
            !channel.key.hasSameBytes(as: principal.subject)
        else { return type }
        guard self.audit.note(.supportRead, by: principal.subject, on: channel.description, detail: how) else {
            throw MessageFault(.unavailable, "the audit trail cannot be written now, so \(channel) stays closed")
        }
        return type
    }

    /// A page of a channel's history, oldest first.
    /// - Parameter after: The number before the first requested event; nil begins with the oldest retained event.
    package func history(
        of channel: ChannelName,
        after: Int?,
        limit: Int
    ) async -> Result<TapePage, MessageFault> {
        do throws(TapeFault) {
            let limit = PageLimit(entries: limit, bytes: self.configuration.page.bytes)
            var start = after ?? 0
            if after == nil {
                start = max(0, (try await self.tape.extents(of: [channel])[channel]?.first ?? 1) - 1)
            }
            let page = try await self.tape.page(of: channel, after: start, limit: limit)
            if let after, after + 1 < page.extent.first {
                return .failure(
                    MessageFault(
                        .cursorExpired,
                        "events after \(after) are no longer all retained, the oldest is \(page.extent.first)"
                    )
                )
            }
            if start > page.extent.head {
                return .failure(
                    MessageFault(.cursorExpired, "\(start) is beyond the head, which is \(page.extent.head)")
                )
            }
            return .success(page)
        } catch {
            return .failure(MessageFault(.unavailable, "the channel cannot be read now; try again"))
        }
    }
}

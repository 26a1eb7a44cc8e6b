// SPDX-License-Identifier: Apache-2.0

import EventLog
package import NIOCore

/// Why a publish request failed.
package enum PublishFault: Error, Sendable, Equatable {
    /// Nothing of it is stored, and sending it again would fail again.
    case rejected(IntakeFault)
    /// Nothing of it is stored; it may be sent again after the wait.
    case rateLimited(service: String, wait: TimeAmount)
    /// Sending it again with the same ids is safe, and the only way to learn what was stored.
    case failed(AppendFault)

    /// The error code and message for the whole request.
    package var summary: (code: ErrorCode, message: String) {
        switch self {
        case .rejected(let fault): fault.summary
        case .rateLimited(let service, _):
            (.rateLimited, "\(service) exceeds its publish rate; try again in \(self.retryAfter ?? 0) ms")
        case .failed(let fault): fault.summary
        }
    }

    /// Invalid events, ascending by index.
    package var items: [ItemFault] {
        if case .rejected(.items(let items)) = self { items } else { [] }
    }

    /// When the request may be sent again, in milliseconds; nil if the hub does not know.
    package var retryAfter: Int? {
        guard case .rateLimited(_, let wait) = self else { return nil }
        return Int(clamping: (wait.nanoseconds + 999_999) / 1_000_000)
    }
}

extension IntakeFault {
    /// The ids of these events are already used for different content.
    init(conflicts items: [Int], in events: [Event]) {
        self = .items(
            items.prefix(EventValidator.maxReportedItems).filter(events.indices.contains).map { index in
                ItemFault(
                    index: index,
                    reason: .conflict,
                    field: "id",
                    message: "\(events[index].source) has published another event under the id \(events[index].id)"
                )
            }
        )
    }

    /// What a publisher may see of a rejection. The storage does not say which of several events caused it.
    init(_ refusal: ContentRefusal, events: Int) {
        let message = "cannot be stored (\(refusal.kind)); sending it again will fail again"
        self =
            events == 1
            ? .items([ItemFault(index: 0, reason: .invalid, message: message)])
            : .unfit(
                "one of the \(events) events \(message); nothing was stored. Send them one by one to find it"
            )
    }

    /// The error code and message for the whole request.
    package var summary: (code: ErrorCode, message: String) {
        switch self {
        case .malformed(let message):
            (.badRequest, message)
        case .tooManyEvents(let limit, let actual):
            (.tooLarge, "a request has at most \(limit) events, this one has \(actual)")
        case .unfit(let message):
            (.invalidEvent, message)
        case .items(let items):
            Self.summary(of: items)
        }
    }

    private static func summary(of items: [ItemFault]) -> (ErrorCode, String) {
        guard let worst = items.min(by: { $0.reason < $1.reason }) else { return (.invalidEvent, "invalid") }
        let code: ErrorCode =
            switch worst.reason {
            case .forbidden: .forbidden
            case .unknownType: .unknownType
            case .conflict: .conflict
            case .tooLarge: .tooLarge
            case .invalid: .invalidEvent
            }
        let field = worst.field.map { "\($0) " } ?? ""
        return (code, "event \(worst.index): \(field)\(worst.message); nothing of the request was stored")
    }
}

extension AppendFault {
    /// What a publisher may see.
    package var summary: (code: ErrorCode, message: String) {
        switch self {
        case .unavailable(.outcomeUnknown):
            (.unavailable, "it is not known whether the events were committed; send them again with the same ids")
        case .unavailable:
            (.unavailable, "events cannot be committed at the moment; send them again with the same ids")
        case .overloaded:
            (.overloaded, "too many events are waiting to be committed; send the events again with the same ids")
        case .stopping:
            (.unavailable, "this node is shutting down; send the events again with the same ids")
        }
    }
}

extension ServerMessage {
    static func error(_ fault: PublishFault, id: RequestID?) -> ServerMessage {
        let (code, message) = fault.summary
        return .error(id: id, code: code, message: message, items: fault.items, retryAfter: fault.retryAfter)
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// The response to a publish request.
package enum PublishOutcome: Sendable, Equatable {
    case published([PublishResult])
    /// The ids of these events are already used for different content.
    case conflict([ItemFault])
    /// The tape cannot store the content of the request.
    case refused(IntakeFault)
    case failed(AppendFault)

    /// - Parameter events: The events that were passed to the writer.
    package init(events: [Event], _ result: Result<AppendOutcome, AppendFault>) {
        switch result {
        case .success(.committed(let receipts)):
            self = .published(zip(events, receipts).map { PublishResult(id: $0.id, receipt: $1) })
        case .success(.conflict(let items)):
            let faults = items.prefix(EventValidator.maxReportedItems).map { index in
                ItemFault(
                    index: index,
                    reason: .conflict,
                    field: "id",
                    message: "\(events[index].source) has published another event under the id \(events[index].id)"
                )
            }
            self = .conflict(Array(faults))
        case .success(.refused(let refusal)):
            self = .refused(IntakeFault(refusal, events: events.count))
        case .failure(let fault):
            self = .failed(fault)
        }
    }
}

extension IntakeFault {
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
    static func error(_ fault: IntakeFault, id: RequestID?) -> ServerMessage {
        let (code, message) = fault.summary
        let items: [ItemFault] = if case .items(let items) = fault { items } else { [] }
        return .error(id: id, code: code, message: message, items: items)
    }

    static func error(_ fault: AppendFault, id: RequestID?) -> ServerMessage {
        let (code, message) = fault.summary
        return .error(id: id, code: code, message: message)
    }
}

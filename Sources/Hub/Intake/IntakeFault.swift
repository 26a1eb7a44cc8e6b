// SPDX-License-Identifier: Apache-2.0

/// Why a request to publish was refused; nothing of it was appended.
package enum IntakeFault: Error, Sendable, Equatable {
    /// Not what the endpoint takes: no event, or something that is neither an object nor an array of objects.
    case malformed(String)
    /// More events than one request may carry.
    case tooManyEvents(limit: Int, actual: Int)
    /// Some event of it cannot be stored.
    case unfit(String)
    /// These events are not acceptable; ascending by index, at most ``Intake/maxReportedItems``.
    case items([ItemFault])
}

/// What is wrong with one event of a request.
package struct ItemFault: Error, Sendable, Equatable {
    /// In the order in which one stands for a whole request.
    package enum Reason: Int, Sendable, Comparable {
        case forbidden
        case unknownType
        case conflict
        case tooLarge
        case invalid

        package static func < (left: Self, right: Self) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// Place of the event in the request, from 0.
    package var index: Int
    package var reason: Reason
    /// The member at fault, such as `data.amount`.
    package var field: String?
    /// A sentence for the publisher.
    package var message: String

    package init(index: Int, reason: Reason, field: String? = nil, message: String) {
        self.index = index
        self.reason = reason
        self.field = field
        self.message = message
    }
}

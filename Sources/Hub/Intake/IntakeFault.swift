// SPDX-License-Identifier: Apache-2.0

/// Why a publish request was rejected. None of its events is appended.
package enum IntakeFault: Error, Sendable, Equatable {
    /// Not a valid request body: no events, or neither an object nor an array of objects.
    case malformed(String)
    /// More events than one request may contain.
    case tooManyEvents(limit: Int, actual: Int)
    /// An event in it cannot be stored.
    case unfit(String)
    /// Invalid events, ascending by index; at most ``EventValidator/maxReportedItems``.
    case items([ItemFault])
}

/// What is wrong with one event of a request.
package struct ItemFault: Error, Sendable, Equatable {
    /// Ordered by precedence: the lowest reason in a request determines its error code.
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

    /// Index of the event in the request, from 0.
    package var index: Int
    package var reason: Reason
    /// The invalid member, such as `data.amount`.
    package var field: String?
    /// An explanation for the publisher.
    package var message: String

    package init(index: Int = 0, reason: Reason, field: String? = nil, message: String) {
        self.index = index
        self.reason = reason
        self.field = field
        self.message = message
    }

    static func invalid(_ field: String?, _ message: String) -> ItemFault {
        ItemFault(reason: .invalid, field: field, message: message)
    }
}

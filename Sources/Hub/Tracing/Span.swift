// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A completed operation, as tracing systems show it.
package struct Span: Sendable, Equatable {
    package enum Kind: Int, Sendable {
        case within = 1
        /// Handles a request from another program.
        case server = 2
        /// Sends to other programs, which do not reply.
        case producer = 4
    }

    package var name: String
    package var kind: Kind
    package var context: TraceContext
    /// The operation that caused it; nil for the root of a trace.
    package var parentID: String?
    package var start: Timestamp
    package var end: Timestamp
    package var attributes: [(name: String, value: Attribute)]
    package var failure: String?

    package enum Attribute: Sendable, Equatable {
        case text(String)
        case integer(Int)
    }

    package init(
        _ name: String,
        _ kind: Kind,
        _ context: TraceContext,
        parentID: String?,
        from start: Timestamp,
        to end: Timestamp,
        _ attributes: [(name: String, value: Attribute)] = [],
        failure: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parentID = parentID
        self.start = start
        self.end = end
        self.attributes = attributes
        self.failure = failure
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.kind == right.kind && left.context == right.context
            && left.parentID == right.parentID && left.start == right.start && left.end == right.end
            && left.failure == right.failure && left.attributes.elementsEqual(right.attributes) { $0 == $1 }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The health of one endpoint of a source: a node, a mirror, an exchange's address.
package struct EndpointReport: Sendable, Equatable {
    /// Scheme, host and port, without parts that may contain a key; unique within the source.
    package var name: String
    /// Whether it is currently used.
    package var isUsed: Bool
    /// A code for the problem; nil if the endpoint is healthy.
    package var trouble: String?
    /// A description of the problem for operators; empty if the endpoint is healthy.
    package var why: String
    /// Since when the problem exists.
    package var since: Timestamp?
    /// The position of the endpoint, in the source's unit.
    package var head: Int?
    /// Failures by code since the source started on this node.
    package var failures: [String: Int]

    package init(
        name: String,
        isUsed: Bool = false,
        trouble: String? = nil,
        why: String = "",
        since: Timestamp? = nil,
        head: Int? = nil,
        failures: [String: Int] = [:]
    ) {
        self.name = name
        self.isUsed = isUsed
        self.trouble = trouble
        self.why = why
        self.since = since
        self.head = head
        self.failures = failures
    }
}

// SPDX-License-Identifier: Apache-2.0

/// How one endpoint of a source is: a node, a mirror, an exchange's address.
package struct EndpointReport: Sendable, Equatable {
    /// Scheme, host and port, without what may hold a key; unique within the source.
    package var name: String
    /// Whether it is the one that is asked.
    package var isUsed: Bool
    /// What is wrong with it, in one word; nil when it is well.
    package var trouble: String?
    /// The same in a sentence for operators; empty when it is well.
    package var why: String
    /// Since when it is in this trouble.
    package var since: Timestamp?
    /// How far it is, in the source's unit.
    package var head: Int?
    /// What has failed there since the source began here, by what was wrong.
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

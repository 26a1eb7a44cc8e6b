// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// What is kept beside the log of who may do what and who did what.
package struct AccessPorts: Sendable {
    package var revocations: (any RevocationStore)?
    package var audit: (any AuditStore)?

    package init(revocations: (any RevocationStore)? = nil, audit: (any AuditStore)? = nil) {
        self.revocations = revocations
        self.audit = audit
    }

    /// As much of it as a tape keeps.
    package init(tape: any Tape) {
        self.init(revocations: tape as? any RevocationStore, audit: tape as? any AuditStore)
    }
}

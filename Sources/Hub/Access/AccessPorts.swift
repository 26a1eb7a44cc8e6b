// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// The stores for access control besides the log: revocations and the audit trail.
package struct AccessPorts: Sendable {
    package var revocations: (any RevocationStore)?
    package var audit: (any AuditStore)?

    package init(revocations: (any RevocationStore)? = nil, audit: (any AuditStore)? = nil) {
        self.revocations = revocations
        self.audit = audit
    }

    /// The stores that the tape implements.
    package init(tape: any Tape) {
        self.init(revocations: tape as? any RevocationStore, audit: tape as? any AuditStore)
    }
}

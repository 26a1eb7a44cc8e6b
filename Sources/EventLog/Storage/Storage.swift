// SPDX-License-Identifier: Apache-2.0

/// What an opened database offers: the log, and the stores that share its transactions.
package struct Storage: Sendable {
    package var tape: any Tape
    package var sources: any SourceStore
    package var fanIn: any FanInStore
    /// Nil if revocations apply to this process only.
    package var revocations: (any RevocationStore)?
    /// Nil if audit records are written to the process's log.
    package var audit: (any AuditStore)?

    package init(
        tape: any Tape,
        sources: any SourceStore,
        fanIn: any FanInStore,
        revocations: (any RevocationStore)? = nil,
        audit: (any AuditStore)? = nil
    ) {
        self.tape = tape
        self.sources = sources
        self.fanIn = fanIn
        self.revocations = revocations
        self.audit = audit
    }

    package init(_ memory: MemoryTape) {
        self.init(tape: memory, sources: memory, fanIn: memory)
    }

    package init(_ database: some Tape & SourceStore & FanInStore & RevocationStore & AuditStore) {
        self.init(tape: database, sources: database, fanIn: database, revocations: database, audit: database)
    }
}

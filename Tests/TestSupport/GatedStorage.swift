// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// The stores for access control of a test's hub.
package struct AccessStores: Sendable {
    package var revocations: (any RevocationStore)?
    package var audit: (any AuditStore)?

    package init(revocations: (any RevocationStore)? = nil, audit: (any AuditStore)? = nil) {
        self.revocations = revocations
        self.audit = audit
    }
}

extension Storage {
    /// The storage of a test's hub, which has no sources.
    package init(_ tape: GatedTape, _ access: AccessStores = AccessStores()) {
        self.init(
            tape: tape,
            sources: NoSources(),
            fanIn: RecordingFanInStore(),
            revocations: access.revocations,
            audit: access.audit
        )
    }
}

private struct NoSources: SourceStore {
    private static let fault = TapeFault.damaged("this test has no sources")

    func withLeadership(_ name: String, _ work: @escaping @Sendable () async -> Void) async throws(TapeFault) {
        throw Self.fault
    }

    func state(of source: String, prefix: String) async throws(TapeFault) -> SourceState {
        throw Self.fault
    }

    func entries(
        of source: String,
        prefix: String,
        after name: String,
        limit: Int
    ) async throws(TapeFault) -> [SourceEntry] {
        throw Self.fault
    }

    func append(_ events: [Event], with step: SourceStep) async throws(TapeFault) -> StepOutcome {
        throw Self.fault
    }
}

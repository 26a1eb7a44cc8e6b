// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import JSON

/// The only way into the log of a hub: validates events, limits the rate of services, appends, and records the outcome
/// in the audit trail, in the recent errors and as a span.
///
/// Requests of services arrive over HTTP and WebSocket. The fan-in, the sources of chains and rates, and the
/// demonstration validate and append separately, because they retry a batch until it is committed. They have no credential, so they have no rate
/// limit and no audit record.
package struct Publisher: Sendable {
    /// How a request arrived.
    package enum Transport: String, Sendable {
        case http
        case socket
    }

    package let validator: EventValidator
    let writer: TapeWriter
    let rates: PublishRates
    let audit: AuditTrail
    let recentErrors: RecentErrors
    let tracing: Tracing?

    package typealias Completion = @Sendable (Result<[PublishResult], PublishFault>) -> Void

    init(
        validator: EventValidator,
        writer: TapeWriter,
        rates: PublishRates,
        audit: AuditTrail,
        recentErrors: RecentErrors,
        tracing: Tracing?
    ) {
        self.validator = validator
        self.writer = writer
        self.rates = rates
        self.audit = audit
        self.recentErrors = recentErrors
        self.tracing = tracing
    }

    // MARK: - Services

    /// Publishes the events of one request: all of them or none.
    /// - Parameters:
    ///   - trace: The trace that the request belongs to.
    ///   - idPrefix: Prefix of generated ids; nil generates random ids, so that each event is new.
    ///   - completion: Called once: at once if the request is rejected, otherwise on the writer's loop after the events
    ///     have been committed and delivered, or the commit has failed.
    package func publish(
        _ items: [JSON.Value],
        by service: Principal,
        over transport: Transport,
        trace: TraceContext? = nil,
        idPrefix: String? = nil,
        completion: @escaping Completion
    ) {
        let span = self.tracing?.accept(trace)
        let settle: Completion = { result in
            if let span {
                let failure: PublishFault? = if case .failure(let fault) = result { fault } else { nil }
                self.tracing?.accepted(span, by: transport.rawValue, failure: failure?.summary.code.rawValue)
            }
            completion(result)
        }
        let events: [Event]
        do throws(PublishFault) {
            events = try self.accepted(items, by: service, trace: span?.context ?? trace, idPrefix: idPrefix)
        } catch {
            return settle(.failure(error))
        }
        self.writer.submit(events) { result in
            self.audit.published(events, by: service, result)
            let outcome = Self.outcome(of: events, result)
            if case .failure(let fault) = outcome { self.note(fault, result, events, by: service) }
            settle(outcome)
        }
    }

    /// The asynchronous form of ``publish(_:by:over:trace:idPrefix:completion:)``.
    package func publish(
        _ items: [JSON.Value],
        by service: Principal,
        over transport: Transport,
        trace: TraceContext? = nil,
        idPrefix: String? = nil
    ) async throws(PublishFault) -> [PublishResult] {
        try await withCheckedContinuation { continuation in
            self.publish(items, by: service, over: transport, trace: trace, idPrefix: idPrefix) {
                continuation.resume(returning: $0)
            }
        }.get()
    }

    private func accepted(
        _ items: [JSON.Value],
        by service: Principal,
        trace: TraceContext?,
        idPrefix: String?
    ) throws(PublishFault) -> [Event] {
        let events: [Event]
        do throws(IntakeFault) {
            events = try self.validator.events(from: items, publisher: service, now: .now, trace: trace, idPrefix: idPrefix)
        } catch {
            // Types that are not declared are not named in the audit trail, because even clients without permission to
            // publish could fill it.
            let type = items.first?["type"]?.string.flatMap { self.validator.types[$0] }
            let (code, message) = error.summary
            self.audit.refused(items.count, of: type?.name, by: service, code)
            self.recentErrors.note(.refused, code.rawValue, message, subject: service.subject)
            throw .rejected(error)
        }
        if let wait = self.rates.take(events.count, for: service.subject) {
            self.validator.rejections.add(.rateLimited)
            throw .rateLimited(service: service.subject, wait: wait)
        }
        return events
    }

    /// What the publisher is answered.
    /// - Parameter events: The events that were passed to the writer.
    package static func outcome(
        of events: [Event],
        _ result: Result<AppendOutcome, AppendFault>
    ) -> Result<[PublishResult], PublishFault> {
        switch result {
        case .success(.committed(let receipts)):
            .success(zip(events, receipts).map { PublishResult(id: $0.id, receipt: $1) })
        case .success(.conflict(let items)):
            .failure(.rejected(IntakeFault(conflicts: items, in: events)))
        case .success(.refused(let refusal)):
            .failure(.rejected(IntakeFault(refusal, events: events.count)))
        case .failure(let fault):
            .failure(.failed(fault))
        }
    }

    /// Records for operators why validated events were not committed.
    private func note(
        _ fault: PublishFault,
        _ result: Result<AppendOutcome, AppendFault>,
        _ events: [Event],
        by service: Principal
    ) {
        let (code, message) = fault.summary
        let type = events.first?.type ?? ""
        let detail =
            switch result {
            case .success(.refused(let refusal)):
                "the tape cannot store the content of a request of \(type): \(refusal.detail)"
            case .success: "an id of \(type) is already used for other content"
            case .failure: message
            }
        self.recentErrors.note(.refused, code.rawValue, detail, subject: service.subject)
    }

    // MARK: - Fan-in and sources

    /// Appends several requests in one transaction, each with its own outcome; see ``TapeWriter/append(_:)``.
    package func append(_ requests: [[Event]]) async throws(AppendFault) -> [AppendOutcome] {
        try await self.writer.append(requests)
    }

    /// Appends the events of a source together with its step, atomically.
    package func append(_ events: [Event], with step: SourceStep) async throws(AppendFault) -> StepOutcome {
        try await self.writer.append(events, with: step)
    }
}

// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Logging
import Synchronization

/// The endpoints of one source as its parts share them: an ``EndpointRotation`` with names, a clock, and a log that says
/// once what has become of each. From any thread.
package final class EndpointPool: Sendable {
    /// What came of a look at an endpoint that is not in use.
    package enum Probe: Sendable {
        case head(Int?)
        case failure(EndpointTrouble, String, after: Duration?)
        /// It was given up before it came to anything.
        case nothing
    }

    private struct State: Sendable {
        var rotation: EndpointRotation
        var since: [Timestamp?]
        var said: [Said]
        /// The endpoint that is in use as far as the log says, and when it said so; it does not name the first.
        var named: (index: Int, at: ContinuousClock.Instant?)?
    }

    /// What the log says of one endpoint.
    private struct Said: Sendable {
        var trouble: EndpointTrouble?
        var times: [EndpointTrouble: ContinuousClock.Instant] = [:]
    }

    private enum Line {
        case trouble(Int, EndpointTrouble, String)
        case well(Int)
        case inUse(Int)
    }

    /// Between two lines on the same trouble of the same endpoint, however often it comes and goes.
    private static let silence: Duration = .seconds(60)
    /// Between two lines on which endpoint is in use.
    private static let shortSilence: Duration = .seconds(10)

    private let names: [EndpointName]
    private let logger: Logger
    private let state: Mutex<State>
    private let tick: Duration

    /// - Parameter urls: At least one, the preferred one first.
    package init(_ urls: [String], rules: EndpointRotation.Rules = EndpointRotation.Rules(), logger: Logger) {
        self.names = EndpointName.all(urls)
        self.logger = logger
        self.tick = max(.milliseconds(10), min(.seconds(1), rules.rest.upperBound / 10))
        let count = max(1, urls.count)
        self.state = Mutex(
            State(
                rotation: EndpointRotation(count: count, rules: rules),
                since: Array(repeating: nil, count: count),
                said: Array(repeating: Said(), count: count)
            )
        )
    }

    // MARK: - In use

    package func choose() -> EndpointRotation.Choice {
        self.change { rotation, now in rotation.choose(at: now) }
    }

    /// See ``EndpointRotation/succeeded(_:head:followed:lacking:at:)``.
    package func succeeded(_ index: Int, head: Int? = nil, followed: Int = 0, lacking: String? = nil) {
        let lacking = lacking.map(self.redact)
        self.change { rotation, now in
            rotation.succeeded(index, head: head, followed: followed, lacking: lacking, at: now)
        }
    }

    /// See ``EndpointRotation/failed(_:_:_:after:at:chance:)``.
    @discardableResult
    package func failed(
        _ index: Int,
        _ trouble: EndpointTrouble,
        _ why: String,
        after: Duration? = nil
    ) -> EndpointRotation.Outlook {
        let why = self.redact(why)
        return self.change { rotation, now in
            rotation.failed(index, trouble, why, after: after, at: now, chance: .random(in: 0...1))
        }
    }

    // MARK: - Beside

    /// Looks at the endpoints that are not in use, so that one that refuses is known before it is needed and one that
    /// has recovered is taken back. Until the task is cancelled; one look at a time.
    package func watch(_ probe: @Sendable (Int) async -> Probe) async {
        guard self.names.count > 1 else { return }
        while !Task.isCancelled {
            for index in self.change({ rotation, now in rotation.probes(at: now) }) {
                switch await probe(index) {
                case .head(let head): self.change { rotation, now in rotation.probed(index, head: head, at: now) }
                case .failure(let trouble, let why, let after): self.failed(index, trouble, why, after: after)
                case .nothing: break
                }
            }
            try? await Task.sleep(for: self.tick)
        }
    }

    // MARK: - For operators

    /// What an endpoint said, as it may be shown: without what may be a key of any of them.
    package func redact(_ text: String) -> String {
        self.names.reduce(text) { $1.redact($0) }
    }

    package var reports: [EndpointReport] {
        self.state.withLock { state in
            self.names.enumerated().map { index, name in
                let endpoint = state.rotation.endpoints[index]
                return EndpointReport(
                    name: name.description,
                    isUsed: index == state.rotation.current,
                    trouble: endpoint.trouble?.rawValue,
                    why: endpoint.why,
                    since: state.since[index],
                    head: endpoint.head,
                    failures: endpoint.counts.reduce(into: [:]) { $0[$1.key.rawValue] = $1.value }
                )
            }
        }
    }

    /// Everything that is wrong, in one sentence; empty when nothing is.
    package var trouble: String {
        Self.trouble(of: self.reports)
    }

    package static func trouble(of reports: [EndpointReport]) -> String {
        reports.compactMap { report in report.trouble.map { "\(report.name) is \($0): \(report.why)" } }
            .joined(separator: "; ")
    }

    @discardableResult
    private func change<Result: Sendable>(
        _ body: (inout EndpointRotation, ContinuousClock.Instant) -> Result
    ) -> Result {
        let now = ContinuousClock.now
        let (result, lines) = self.state.withLock { state in
            let result = body(&state.rotation, now)
            return (result, Self.lines(&state, now))
        }
        for line in lines { self.log(line) }
        return result
    }

    private static func lines(_ state: inout State, _ now: ContinuousClock.Instant) -> [Line] {
        var lines: [Line] = []
        for (index, endpoint) in state.rotation.endpoints.enumerated() {
            if (endpoint.trouble == nil) != (state.since[index] == nil) {
                state.since[index] = endpoint.trouble.map { _ in Timestamp.now }
            }
            guard state.said[index].trouble != endpoint.trouble else { continue }
            if let trouble = endpoint.trouble {
                // What is left out now is said by a later change, if it is still so.
                if let last = state.said[index].times[trouble], now - last < Self.silence { continue }
                state.said[index].times[trouble] = now
                lines.append(.trouble(index, trouble, endpoint.why))
            } else {
                lines.append(.well(index))
            }
            state.said[index].trouble = endpoint.trouble
        }
        guard let current = state.rotation.current, current != state.named?.index else { return lines }
        if let named = state.named {
            guard named.at.map({ now - $0 >= Self.shortSilence }) ?? true else { return lines }
            lines.append(.inUse(current))
        }
        state.named = (current, state.named == nil ? nil : now)
        return lines
    }

    private func log(_ line: Line) {
        switch line {
        case .trouble(let index, let trouble, let why):
            self.logger.warning(
                "an endpoint is in trouble",
                metadata: ["endpoint": "\(self.names[index])", "trouble": "\(trouble.rawValue)", "reason": "\(why)"]
            )
        case .well(let index):
            self.logger.notice("an endpoint is well again", metadata: ["endpoint": "\(self.names[index])"])
        case .inUse(let index):
            self.logger.notice("another endpoint is in use", metadata: ["endpoint": "\(self.names[index])"])
        }
    }
}

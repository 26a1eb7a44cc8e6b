// SPDX-License-Identifier: Apache-2.0

/// Which of several endpoints is asked next, and how each of them is.
///
/// The first endpoint in the operator's order that is well is asked, and stays in use as long as it is. One that refuses,
/// fails or cannot be reached rests, longer each time within a limit, and another one is asked at once; a preferred one
/// that has recovered is taken back after it has been well for a while. One that lags or has stalled is asked only while
/// no other one is better. No endpoint is given up for good.
///
/// A value that knows nothing of what is asked: time and chance come in as arguments, positions are numbers.
package struct EndpointRotation: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package struct Rules: Sendable {
        /// Of an endpoint in trouble: the first rest, and the longest.
        package var rest: ClosedRange<Duration> = .milliseconds(250) ... .seconds(30)
        /// The longest rest that an endpoint may ask for (`Retry-After`).
        package var longestRest: Duration = .seconds(600)
        /// Unusable answers in a row, after which another endpoint is asked.
        package var patience = 3
        /// Without a higher head for this long, another endpoint is asked; nil when heads do not matter.
        package var stall: Duration?
        /// How far below the highest known head an endpoint may be.
        package var lag = Int.max
        /// How long a preferred endpoint has to be well before it is taken back: the first time, and at most.
        package var probation: ClosedRange<Duration> = .seconds(60) ... .seconds(3_600)
        /// Between two looks at an endpoint that is well and not in use; nil when nobody looks, so that one that was in
        /// trouble counts as well again after its probation.
        package var probe: Duration? = .seconds(60)

        package init() {}
    }

    package enum Choice: Sendable, Equatable {
        case ask(Int)
        /// All of them rest; this one's rest is the first to end.
        case wait(Duration, for: Int)
    }

    /// What follows from a failure.
    package enum Outlook: Sendable, Equatable {
        /// Another endpoint is there to be asked at once.
        case another
        /// It may work another time, not before the delay.
        case again(after: Duration?)
        /// Every endpoint is of another network.
        case none
    }

    package struct Endpoint: Sendable {
        package fileprivate(set) var trouble: EndpointTrouble?
        /// What the trouble is, for operators.
        package fileprivate(set) var why = ""
        package fileprivate(set) var head: Int?
        /// Failures so far, by what they were.
        package fileprivate(set) var counts: [EndpointTrouble: Int] = [:]
        fileprivate var failures = 0
        fileprivate var restsUntil: Instant?
        /// Nil when it never was in trouble.
        fileprivate var wellSince: Instant?
        fileprivate var probation: Duration
        fileprivate var looked: Instant?
        /// When its head was last seen to be higher than before.
        fileprivate var rose: Instant?

        fileprivate func isWell(for duration: Duration, at now: Instant) -> Bool {
            self.trouble == nil && self.wellSince.map { now - $0 >= duration } ?? true
        }
    }

    package private(set) var endpoints: [Endpoint]
    /// The one in use; nil before the first choice.
    package private(set) var current: Int?
    private let rules: Rules

    package init(count: Int, rules: Rules = Rules()) {
        self.rules = rules
        self.endpoints = Array(repeating: Endpoint(probation: rules.probation.lowerBound), count: max(1, count))
    }

    // MARK: - Choosing

    package mutating func choose(at now: Instant) -> Choice {
        if self.rules.probe == nil { self.forgive(at: now) }
        let choice = self.choice(at: now)
        if case .ask(let index) = choice { self.current = index }
        return choice
    }

    private mutating func forgive(at now: Instant) {
        for (index, endpoint) in self.endpoints.enumerated() where endpoint.trouble != nil && index != self.current {
            guard self.restEnd(index, now) <= now, let looked = endpoint.looked, now - looked >= endpoint.probation
            else {
                continue
            }
            self.set(nil, "", of: index, at: now, rest: nil)
        }
    }

    private func choice(at now: Instant) -> Choice {
        if let current, self.endpoints[current].trouble == nil {
            let preferred = self.endpoints[..<current].firstIndex { $0.isWell(for: $0.probation, at: now) }
            return .ask(preferred ?? current)
        }
        if let well = self.endpoints.firstIndex(where: { $0.trouble == nil }) { return .ask(well) }
        if let usable = self.bestUsable { return .ask(usable) }
        // All rest. The same one is not asked again and again while others are due.
        let next = self.endpoints.indices.min { self.restEnd($0, now) < self.restEnd($1, now) } ?? 0
        let rest = self.restEnd(next, now) - now
        return rest > .zero ? .wait(rest, for: next) : .ask(next)
    }

    private func restEnd(_ index: Int, _ now: Instant) -> Instant {
        self.endpoints[index].restsUntil ?? now
    }

    /// Of those that lag or have stalled the one that has most; the one in use unless another is well ahead of it.
    private var bestUsable: Int? {
        let usable = self.endpoints.indices.filter { self.endpoints[$0].trouble?.isUsable == true }
        func head(_ index: Int) -> Int { self.endpoints[index].head ?? 0 }
        guard let best = usable.max(by: { head($0) < head($1) }) else { return nil }
        if let current, usable.contains(current), head(best) - head(current) <= self.rules.lag { return current }
        return usable.first { head($0) == head(best) }
    }

    // MARK: - What came of it

    /// What was asked came to something.
    /// - Parameters:
    ///   - head: How far the endpoint is.
    ///   - followed: How far was read, from whichever endpoint.
    ///   - lacking: What it does not know of what is followed.
    package mutating func succeeded(
        _ index: Int,
        head: Int? = nil,
        followed: Int = 0,
        lacking: String? = nil,
        at now: Instant
    ) {
        guard self.endpoints.indices.contains(index) else { return }
        self.saw(head, of: index, at: now)
        self.endpoints[index].failures = 0
        if let lacking {
            self.count(.lacking, of: index)
            self.set(.lacking, lacking, of: index, at: now, rest: self.rules.rest.upperBound)
        } else {
            self.assess(index, followed, at: now)
        }
    }

    /// A look at an endpoint that is not in use came to something.
    package mutating func probed(_ index: Int, head: Int?, at now: Instant) {
        guard self.endpoints.indices.contains(index) else { return }
        self.saw(head, of: index, at: now)
        self.assess(index, 0, at: now)
    }

    /// What was asked came to nothing because of the endpoint.
    /// - Parameters:
    ///   - after: When the endpoint wants to be asked again (`Retry-After`).
    ///   - chance: From 0 to 1.
    package mutating func failed(
        _ index: Int,
        _ trouble: EndpointTrouble,
        _ why: String,
        after: Duration? = nil,
        at now: Instant,
        chance: Double
    ) -> Outlook {
        guard self.endpoints.indices.contains(index) else { return .again(after: nil) }
        self.endpoints[index].counts[trouble, default: 0] += 1
        self.endpoints[index].failures += 1
        self.endpoints[index].looked = now
        let failures = self.endpoints[index].failures
        let isInUse = index == self.current
        if trouble == .failing, isInUse, self.endpoints[index].trouble == nil, failures < self.rules.patience {
            return .again(after: after.map { min($0, self.rules.longestRest) })
        }
        if trouble == .foreign {
            self.endpoints[index].head = nil
            self.endpoints[index].rose = nil
        }
        let doubled = self.rules.rest.lowerBound * (1 << min(failures - 1, 16))
        let limit = trouble.lasts ? self.rules.rest.upperBound : min(self.rules.rest.upperBound, doubled)
        let rest = limit * (0.5 + min(1, max(0, chance)) / 2)
        let asked = min(max(.zero, after ?? .zero), self.rules.longestRest)
        self.set(trouble, why, of: index, at: now, rest: trouble.isUsable ? nil : max(rest, asked))
        if self.endpoints.allSatisfy({ $0.trouble == .foreign }) { return .none }
        switch self.choice(at: now) {
        case .ask(let next) where next != index: return .another
        case .ask: return .again(after: nil)
        case .wait(let rest, _): return .again(after: rest)
        }
    }

    private mutating func saw(_ head: Int?, of index: Int, at now: Instant) {
        self.endpoints[index].looked = now
        guard let head = head.map({ max(0, $0) }) else { return }
        if self.endpoints[index].head.map({ head > $0 }) ?? true { self.endpoints[index].rose = now }
        self.endpoints[index].head = head
    }

    /// Finds out whether an endpoint that answers lags or has stalled.
    private mutating func assess(_ index: Int, _ followed: Int, at now: Instant) {
        let endpoint = self.endpoints[index]
        guard let head = endpoint.head else { return self.set(nil, "", of: index, at: now, rest: nil) }
        let fresh = (self.rules.probe ?? self.rules.rest.upperBound) * 2
        let others = self.endpoints.indices.filter { other in
            let trouble = self.endpoints[other].trouble
            return other != index && trouble?.isUsable ?? true
                && self.endpoints[other].looked.map { now - $0 <= fresh } ?? false
        }
        let best = max(max(0, followed), others.compactMap { self.endpoints[$0].head }.max() ?? 0)
        if best > head, best - head > self.rules.lag {
            let why = "its head is \(head), while \(best) was already seen"
            self.count(.behind, of: index)
            self.set(.behind, why, of: index, at: now, rest: nil)
        } else if let stall = self.rules.stall, let rose = endpoint.rose, now - rose >= stall {
            self.count(.stalled, of: index)
            self.set(.stalled, "its head, \(head), does not move", of: index, at: now, rest: nil)
        } else {
            self.set(nil, "", of: index, at: now, rest: nil)
        }
    }

    /// Counts what an endpoint that answers is in, once each time that it gets into it.
    private mutating func count(_ trouble: EndpointTrouble, of index: Int) {
        guard self.endpoints[index].trouble != trouble else { return }
        self.endpoints[index].counts[trouble, default: 0] += 1
    }

    private mutating func set(
        _ trouble: EndpointTrouble?,
        _ why: String,
        of index: Int,
        at now: Instant,
        rest: Duration?
    ) {
        var endpoint = self.endpoints[index]
        if trouble == nil, endpoint.trouble != nil { endpoint.wellSince = now }
        if trouble != nil, endpoint.trouble == nil, let wellSince = endpoint.wellSince {
            // One that fails again soon after it was taken back has to be well for longer the next time.
            let isRelapse = now - wellSince < endpoint.probation * 2
            endpoint.probation =
                isRelapse
                ? min(self.rules.probation.upperBound, endpoint.probation * 2) : self.rules.probation.lowerBound
        }
        endpoint.trouble = trouble
        endpoint.why = why
        endpoint.restsUntil = rest.map { now + $0 }
        self.endpoints[index] = endpoint
    }

    // MARK: - Looking at the others

    /// The endpoints that are not in use and are to be looked at now: those that are well, to know it before they are
    /// needed, and those whose rest is over.
    package func probes(at now: Instant) -> [Int] {
        guard self.endpoints.count > 1, let probe = self.rules.probe else { return [] }
        return self.endpoints.indices.filter { index in
            guard index != self.current else { return false }
            let endpoint = self.endpoints[index]
            if let restsUntil = endpoint.restsUntil { return now >= restsUntil }
            let interval = endpoint.trouble == nil ? probe : self.rules.rest.upperBound
            return endpoint.looked.map { now - $0 >= interval } ?? true
        }
    }
}

extension EndpointRotation.Rules {
    /// For endpoints that are looked at only when they are used.
    package static var withoutProbes: EndpointRotation.Rules {
        var rules = EndpointRotation.Rules()
        rules.probe = nil
        return rules
    }
}

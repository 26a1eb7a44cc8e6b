// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// A tape whose calls a test can hold up, count and make fail.
package final class GatedTape: Tape {
    package enum Call: Hashable, Sendable {
        case append
        case extents
        case page
        case latest
        case prune
        case probe
    }

    package enum Failure: Sendable {
        /// Nothing is done.
        case before(TapeFault)
        /// It is done, and then this is thrown.
        case after(TapeFault)
        /// It is done: the failures that follow are for later calls.
        case pass
    }

    /// What was asked of the tape.
    package struct Log: Sendable {
        /// Requests per append.
        package var batches: [Int] = []
        /// Channels per read of the newest.
        package var latests: [[ChannelName]] = []
        /// Channels per read of extents.
        package var extents: [[ChannelName]] = []
        package var pages: [(channel: ChannelName, after: Int)] = []
        package var isClosed = false
        fileprivate var failures: [Call: [Failure]] = [:]
        fileprivate var isUnfit: @Sendable (Event) -> Bool = { _ in false }
        fileprivate var constantFailures: [Call: Failure] = [:]
    }

    package let appends = Gate()
    /// After the append: the events are stored, but the answer is not returned yet.
    package let appended = Gate()
    package let probes = Gate()
    package let extents = Gate()
    package let pages = Gate()
    /// After the tape was read: what arrives late is what was true when it was asked.
    package let readPages = Gate()
    package let latests = Gate()
    /// After the tape was read.
    package let readLatests = Gate()
    private let base: any Tape
    private let state = Watched(Log())

    package init(_ base: any Tape) {
        self.base = base
    }

    package var log: Log {
        self.state.value
    }

    /// Makes the next calls of one kind fail, in this order.
    package func fail(_ call: Call, _ failures: Failure...) {
        self.state.change { $0.failures[call, default: []] += failures }
    }

    /// Makes every call of these kinds fail from now on.
    package func failAlways(_ calls: Call..., with failure: Failure) {
        self.state.change { log in
            for call in calls { log.constantFailures[call] = failure }
        }
    }

    /// Refuses whatever holds such an event from now on.
    package func refuse(_ isUnfit: @escaping @Sendable (Event) -> Bool) {
        self.state.change { $0.isUnfit = isUnfit }
    }

    /// Takes back all failures to come.
    package func heal() {
        self.state.change { log in
            log.failures = [:]
            log.constantFailures = [:]
        }
    }

    private func perform<Value>(
        _ call: Call,
        _ work: () async throws(TapeFault) -> Value
    ) async throws(TapeFault) -> Value {
        let failure: Failure? = self.state.change { log in
            guard log.failures[call]?.isEmpty == false else { return log.constantFailures[call] }
            return log.failures[call]?.removeFirst()
        }
        switch failure {
        case .before(let fault):
            throw fault
        case .after(let fault):
            _ = try await work()
            throw fault
        case .pass, nil:
            return try await work()
        }
    }

    package var epoch: String { self.base.epoch }

    package var isShared: Bool { self.base.isShared }

    package func probe() async throws(TapeFault) {
        await self.probes.pass()
        try await self.perform(.probe) { () async throws(TapeFault) in try await self.base.probe() }
    }

    package func append(_ requests: [[Event]]) async throws(TapeFault) -> [AppendOutcome] {
        self.state.change { $0.batches.append(requests.count) }
        await self.appends.pass()
        let outcomes = try await self.perform(.append) { () async throws(TapeFault) in
            if requests.joined().contains(where: self.log.isUnfit) {
                throw .refused(ContentRefusal(kind: "a limit", detail: "the innards"))
            }
            return try await self.base.append(requests)
        }
        await self.appended.pass()
        return outcomes
    }

    package func extents(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: Extent] {
        self.state.change { $0.extents.append(channels) }
        await self.extents.pass()
        return try await self.perform(.extents) { () async throws(TapeFault) in
            try await self.base.extents(of: channels)
        }
    }

    package func page(of channel: ChannelName, after seq: Int, limit: PageLimit) async throws(TapeFault) -> TapePage {
        self.state.change { $0.pages.append((channel, seq)) }
        await self.pages.pass()
        let page = try await self.perform(.page) { () async throws(TapeFault) in
            try await self.base.page(of: channel, after: seq, limit: limit)
        }
        await self.readPages.pass()
        return page
    }

    package func latest(of channels: [ChannelName]) async throws(TapeFault) -> [ChannelName: TapePage] {
        self.state.change { $0.latests.append(channels) }
        await self.latests.pass()
        let pages = try await self.perform(.latest) { () async throws(TapeFault) in
            try await self.base.latest(of: channels)
        }
        await self.readLatests.pass()
        return pages
    }

    package func channels(
        withPrefix prefix: String,
        after name: String?,
        limit: Int
    ) async throws(TapeFault) -> [ChannelListing] {
        try await self.base.channels(withPrefix: prefix, after: name, limit: limit)
    }

    package func prune(type: String, acceptedBefore time: Timestamp, limit: Int) async throws(TapeFault) -> Int {
        try await self.perform(.prune) { () async throws(TapeFault) in
            try await self.base.prune(type: type, acceptedBefore: time, limit: limit)
        }
    }

    package var projections: (any Projections)? { self.base.projections }

    package func close() async {
        self.state.change { $0.isClosed = true }
        await self.base.close()
    }
}

// SPDX-License-Identifier: Apache-2.0

import JSON

/// Verifies a tape: every channel's sequence numbers must be complete, and the rows besides the log must be what the
/// log's events produce.
///
/// Reads page by page, one channel at a time, so memory is bounded by the rows of the largest channel and one page. Can
/// run while a hub is running: a channel that changes during its comparison is compared again.
package struct Verification: Sendable {
    /// An inconsistency.
    package struct Finding: Sendable, Equatable {
        /// The affected channel or row.
        package var place: String
        /// What was found, and what was expected.
        package var text: String
    }

    /// The result of a run.
    package struct Report: Sendable, Equatable {
        /// Maximum number of findings kept; further ones are only counted.
        package static let keptFindings = 100

        package fileprivate(set) var channels = 0
        /// Retained entries. An event with several keys has one on each of its channels.
        package fileprivate(set) var entries = 0
        /// Wallets, transactions and rates compared.
        package fileprivate(set) var rows = 0
        /// Entries of types with a projection whose content does not change a row.
        package fileprivate(set) var skipped = 0
        /// Channels that changed during every attempt and did not agree: not findings, but not verified either.
        package fileprivate(set) var unsettled: [String] = []
        /// The first ``keptFindings`` findings.
        package fileprivate(set) var findings: [Finding] = []
        /// The total number of findings.
        package fileprivate(set) var findingCount = 0
    }

    /// Maximum number of comparisons of a channel that keeps changing.
    private static let attempts = 5
    static let listing = 1000

    let tape: any Tape
    let types: EventTypes
    let pageLimit: PageLimit

    package init(
        tape: any Tape,
        types: EventTypes,
        pageLimit: PageLimit = PageLimit(entries: 1000, bytes: 4 << 20)
    ) {
        self.tape = tape
        self.types = types
        self.pageLimit = pageLimit
    }

    /// Verifies the whole tape.
    /// - Parameters:
    ///   - tell: Called with each finding immediately.
    ///   - progress: Called after each page. If set, the entries are counted first.
    /// - Throws: Only errors that prevent reading; damaged content is a finding.
    package func run(
        _ tell: @Sendable (Finding) -> Void = { _ in },
        progress: (@Sendable (Progress) -> Void)? = nil
    ) async throws(TapeFault) -> Report {
        var report = Report()
        let total = progress == nil ? 0 : try await self.countEntries()
        var users: UserWalk?
        var last: String?
        while true {
            let listings = try await self.tape.channels(withPrefix: "", after: last, limit: Self.listing)
            for listing in listings {
                report.channels += 1
                // Channels are ordered by name, so the users of one type are in order.
                if users?.type != String(listing.name.type) { users = UserWalk(type: String(listing.name.type)) }
                let done = report
                let hasRows = try await self.check(listing, &report, tell) { entries in
                    progress?(
                        Progress(channels: done.channels, entries: done.entries + entries, total: total)
                    )
                }
                guard let projection = self.types[listing.name.type]?.projection, projection != .rate,
                    hasRows, let rows = self.tape.projections
                else { continue }
                let user = String(listing.name.key)
                if try await users?.contains(user, in: rows) == false {
                    report.add([Finding(place: "user \(user)", text: "is missing, but \(listing.name) has rows")], tell)
                }
            }
            guard listings.count == Self.listing, let name = listings.last?.name.description else { break }
            last = name
        }
        try await self.checkStrays(&report, tell)
        return report
    }

    /// Compares one channel until it agrees, or did not change during the comparison.
    /// - Returns: Whether it has rows.
    private func check(
        _ listing: ChannelListing,
        _ report: inout Report,
        _ tell: @Sendable (Finding) -> Void,
        _ walked: @Sendable (Int) -> Void
    ) async throws(TapeFault) -> Bool {
        for _ in 1...Self.attempts {
            let before = try await self.extent(of: listing.name)
            var check = ChannelCheck(listing: listing, extent: before, verification: self)
            try await check.run(walked)
            if !check.findings.isEmpty, try await self.extent(of: listing.name) != before { continue }
            report.entries += check.entries
            report.rows += check.rows
            report.skipped += check.skipped
            report.add(check.findings, tell)
            return check.rows > 0
        }
        if report.unsettled.count < Report.keptFindings { report.unsettled.append(listing.name.description) }
        return false
    }

    func extent(of channel: ChannelName) async throws(TapeFault) -> Extent {
        guard let extent = try await self.tape.extents(of: [channel])[channel] else {
            throw .damaged("the tape returned no extent for \(channel)")
        }
        return extent
    }

    // MARK: Rows without a channel

    private func checkStrays(_ report: inout Report, _ tell: @Sendable (Finding) -> Void) async throws(TapeFault) {
        guard let rows = self.tape.projections else { return }
        do {
            var last: String?
            while true {
                let users = try await rows.users(after: last, limit: Self.listing)
                for projection in [Projection.balance, .transaction] {
                    for channel in try await self.empty(projection, of: users.map(\.id)) {
                        let findings = try await self.strays(projection, of: String(channel.key), rows)
                        // Unless their events have arrived in the meantime.
                        guard !findings.isEmpty, try await self.extent(of: channel).head == 0 else { continue }
                        report.add(findings, tell)
                    }
                }
                guard users.count == Self.listing else { break }
                last = users.last?.id
            }
            last = nil
            while true {
                let rates = try await rows.rates(after: last, limit: Self.listing)
                let strays = try await self.empty(.rate, of: rates.map(\.pair))
                report.add(strays.map { Finding(place: "rate \($0.key)", text: "has no event") }, tell)
                guard rates.count == Self.listing else { break }
                last = rates.last?.pair
            }
        } catch .damaged(let text) {
            report.add([Finding(place: "projections", text: text)], tell)
        }
    }

    /// The channels of these keys that never had an event.
    private func empty(_ projection: Projection, of keys: [String]) async throws(TapeFault) -> [ChannelName] {
        guard let type = self.types.all.first(where: { $0.projection == projection }) else { return [] }
        let channels = keys.map { ChannelName(type: type.name, key: $0) }
        let extents = try await self.tape.extents(of: channels)
        return channels.filter { extents[$0]?.head ?? 0 == 0 }
    }

    /// The rows of a user without events, up to ``Report/keptFindings``.
    private func strays(
        _ projection: Projection,
        of user: String,
        _ rows: any Projections
    ) async throws(TapeFault) -> [Finding] {
        let limit = Report.keptFindings
        switch projection {
        case .balance:
            let wallets = try await rows.wallets(of: user, after: nil, limit: limit)
            return wallets.filter { $0.lastUpdate != nil }.map {
                Finding(place: "wallet \($0.key.id) of \(user)", text: "has a balance, but no event")
            }
        case .transaction:
            let filter = TransactionFilter()
            return try await rows.transactions(of: user, matching: filter, after: nil, limit: limit).map {
                Finding(place: "transaction \($0.key.id) of \(user)", text: "has no event")
            }
        case .rate:
            return []
        }
    }
}

extension Verification.Report {
    fileprivate mutating func add(
        _ findings: [Verification.Finding],
        _ tell: @Sendable (Verification.Finding) -> Void
    ) {
        for finding in findings {
            self.findingCount += 1
            if self.findings.count < Self.keptFindings { self.findings.append(finding) }
            tell(finding)
        }
    }
}

/// Iterates over the users in step with the channels of one type.
private struct UserWalk {
    let type: String
    private var page: [User] = []
    private var index = 0
    private var isAtEnd = false
    /// The greatest user before the remaining part of ``page``.
    private var last: String?

    init(type: String) {
        self.type = type
    }

    /// - Parameter id: Must be greater than in the previous call.
    mutating func contains(_ id: String, in rows: any Projections) async throws(TapeFault) -> Bool {
        while true {
            while self.index < self.page.count {
                let user = self.page[self.index].id
                if user.hasSameBytes(as: id) { return true }
                if !user.utf8.lexicographicallyPrecedes(id.utf8) { return try await self.isThereNow(id, rows) }
                self.last = user
                self.index += 1
            }
            if self.isAtEnd { return try await self.isThereNow(id, rows) }
            self.page = try await rows.users(after: self.last, limit: 1000)
            self.index = 0
            self.isAtEnd = self.page.count < 1000
        }
    }

    /// Whether a user was added after the page was read.
    private func isThereNow(_ id: String, _ rows: any Projections) async throws(TapeFault) -> Bool {
        var last = self.last
        while let user = try await rows.users(after: last, limit: 1).first {
            if user.id.hasSameBytes(as: id) { return true }
            if !user.id.utf8.lexicographicallyPrecedes(id.utf8) { return false }
            last = user.id
        }
        return false
    }
}

extension Verification {
    /// The progress of a run.
    package struct Progress: Sendable, Equatable {
        package var channels = 0
        package var entries = 0
        /// Number of entries at the start. More may be added during the run.
        package var total: Int
    }

    /// The number of retained entries on the tape, computed from the extents of its channels.
    func countEntries() async throws(TapeFault) -> Int {
        var count = 0
        var last: String?
        while true {
            let listings = try await self.tape.channels(withPrefix: "", after: last, limit: Self.listing)
            for listing in listings { count.addClamped(max(0, listing.extent.head - listing.extent.first + 1)) }
            guard listings.count == Self.listing, let name = listings.last?.name.description else { return count }
            last = name
        }
    }
}

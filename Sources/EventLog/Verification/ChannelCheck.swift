// SPDX-License-Identifier: Apache-2.0

import JSON

/// Checks one channel for consistency and against its rows, as of one extent.
struct ChannelCheck {
    typealias Finding = Verification.Finding

    private let listing: ChannelListing
    private let extent: Extent
    private let verification: Verification
    private(set) var findings: [Finding] = []
    private(set) var entries = 0
    private(set) var rows = 0
    private(set) var skipped = 0
    /// The newest entry of each slot within the contiguous range.
    private var newest: [RowKey: TapeEntry] = [:]

    init(listing: ChannelListing, extent: Extent, verification: Verification) {
        self.listing = listing
        self.extent = extent
        self.verification = verification
    }

    private mutating func find(_ text: String) {
        self.findings.append(Finding(place: self.listing.name.description, text: text))
    }

    /// - Parameter walked: Called after each page with the number of entries so far.
    mutating func run(_ walked: @Sendable (Int) -> Void) async throws(TapeFault) {
        do {
            try await self.checkAll(walked)
        } catch .damaged(let text) {
            self.find(text)
        }
    }

    private mutating func checkAll(_ walked: @Sendable (Int) -> Void) async throws(TapeFault) {
        let listed = self.listing.extent
        if listed.epoch != self.extent.epoch {
            self.find("is listed with epoch \(listed.epoch) and has epoch \(self.extent.epoch)")
        }
        if listed.head > self.extent.head || listed.first > self.extent.first {
            self.find("is listed with \(listed.first)…\(listed.head) and has \(self.extent.first)…\(self.extent.head)")
        }
        guard (1...(self.extent.head + 1)).contains(self.extent.first) else {
            return self.find("holds \(self.extent.first)…\(self.extent.head), which is not a valid range")
        }
        var check = try await self.rowCheck()
        try await self.walk({ entry in check?.take(entry) }, walked)
        try await self.compareNewest { entry in check?.takeKept(entry) }
        if var check {
            try await check.finish()
            self.findings += check.findings
            self.rows = check.rows
            self.skipped = check.skipped
        }
    }

    private func rowCheck() async throws(TapeFault) -> RowCheck? {
        let name = self.listing.name
        guard let projection = self.verification.types[name.type]?.projection,
            let projections = self.verification.tape.projections
        else { return nil }
        return try await RowCheck(name, projection, projections, isWhole: self.extent.first == 1)
    }

    /// Reads the retained entries, whose numbers must be exactly `first ... head`.
    private mutating func walk(
        _ take: (TapeEntry) -> Void,
        _ walked: @Sendable (Int) -> Void
    ) async throws(TapeFault) {
        var seq = self.extent.first - 1
        while seq < self.extent.head {
            let page = try await self.verification.tape.page(
                of: self.listing.name,
                after: seq,
                limit: self.verification.pageLimit
            )
            guard !page.entries.isEmpty else {
                return self.find("returns nothing after \(seq), but its head is \(self.extent.head)")
            }
            for entry in page.entries {
                guard entry.seq == seq + 1 else {
                    return self.find("has \(entry.seq) where \(seq + 1) should follow \(seq)")
                }
                guard entry.seq <= self.extent.head else { break }
                seq = entry.seq
                self.entries += 1
                if !Self.isObject(entry.data) { self.find("number \(seq) has data that is not a JSON object") }
                self.newest[Self.key(entry)] = entry
                take(entry)
            }
            walked(self.entries)
            if page.entries.last?.seq ?? 0 > self.extent.head { return }
        }
    }

    /// Slots are compared by their bytes.
    private static func key(_ entry: TapeEntry) -> RowKey {
        RowKey(user: "", id: entry.slot)
    }

    private static func isObject(_ data: [UInt8]) -> Bool {
        do throws(JSON.Fault) {
            return try JSON.Value.parse(data).kind == .object
        } catch {
            return false
        }
    }

    /// The newest entry of each slot must be the last one read, or older than the contiguous range.
    private mutating func compareNewest(_ takeKept: (TapeEntry) -> Void) async throws(TapeFault) {
        guard let page = try await self.verification.tape.latest(of: [self.listing.name])[self.listing.name] else {
            return self.find("has no newest entries")
        }
        if page.extent.epoch != self.extent.epoch { self.find("answers with epoch \(page.extent.epoch)") }
        var latest: [RowKey: TapeEntry] = [:]
        for entry in page.entries {
            latest[Self.key(entry)] = entry
            if entry.seq < self.extent.first { takeKept(entry) }
        }
        for (slot, entry) in self.newest where latest[slot] != entry {
            let found = latest[slot].map { "number \($0.seq)" } ?? "nothing"
            self.find("has \(found) as the newest of slot \"\(slot.id)\", which is number \(entry.seq)")
        }
        for (slot, entry) in latest where entry.seq >= self.extent.first && self.newest[slot]?.seq != entry.seq {
            self.find("has number \(entry.seq) as the newest of slot \"\(slot.id)\", which the log does not contain")
        }
    }
}

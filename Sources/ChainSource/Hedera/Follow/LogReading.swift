// SPDX-License-Identifier: Apache-2.0

/// Reads the logs of one contract from a given time, page by page: takes pages, returns the next path or nil.
///
/// Rows must continue strictly after the last row, so circular links are detected. A read that is too long is cut at
/// the end of a transaction; it covers only the time before the cut.
struct LogReading: Sendable {
    /// Maximum number of pages, unless a single consensus time has more.
    static let wantedPages = 20
    /// Absolute maximum number of pages: 40,000 logs.
    static let maxPages = 400

    let contract: ContractName
    let start: ConsensusTime
    /// Exclusive end; nil for no limit.
    let end: ConsensusTime?
    /// Ascending and unique.
    private(set) var logs: [MirrorLog] = []
    /// Time of the cut: there is more from here on. Nil when everything was read.
    private(set) var cut: ConsensusTime?
    private var pages = 0
    private var asked: String

    init(of contract: ContractName, from start: ConsensusTime, before end: ConsensusTime? = nil) {
        self.contract = contract
        self.start = start
        self.end = end
        self.asked = MirrorPath.logs(contract, from: start, before: end)
    }

    /// Path of the first page.
    var first: String {
        MirrorPath.logs(self.contract, from: self.start, before: self.end)
    }

    /// - Returns: Path of the next page; nil at the end.
    mutating func take(_ page: MirrorPage<MirrorLog>) throws(FollowFault) -> String? {
        for log in page.rows {
            guard self.contract.has(log), log.key.time >= self.start, self.end.map({ log.key.time < $0 }) ?? true else {
                throw .again("the mirror answered with logs that were not requested")
            }
            if let last = self.logs.last, log.key <= last.key {
                throw .again("the mirror's pages do not continue after the last one")
            }
            self.logs.append(log)
        }
        guard let next = page.next else { return nil }
        guard !page.rows.isEmpty, next != self.asked, let last = self.logs.last else {
            throw .again("the link to the next page is invalid")
        }
        self.asked = next
        self.pages += 1
        guard self.pages >= Self.wantedPages else { return next }
        let time = last.key.time
        guard self.logs[0].key.time == time else {
            self.logs.removeAll { $0.key.time == time }
            self.cut = time
            return nil
        }
        guard self.pages < Self.maxPages else {
            throw .stopped("there are more than \(self.logs.count) logs of \(self.contract) at \(time)")
        }
        return next
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The logs of one contract from a time on, read page by page: pages in, the next path or the end out.
///
/// What comes has to go on strictly where the last row ended, so links that lead in circles are found out. A reading
/// that would be too long is cut where a transaction ends; only what is before the cut has been read then.
struct LogReading: Sendable {
    /// Pages of one reading, unless a single consensus time has more.
    static let wantedPages = 20
    /// Pages of one reading at most: 40,000 logs.
    static let maxPages = 400

    let contract: ContractName
    let start: ConsensusTime
    /// Where it ends, exclusively; nil for all there is.
    let end: ConsensusTime?
    /// Ascending, each once.
    private(set) var logs: [MirrorLog] = []
    /// Where it was cut: there is more from this time on. Nil when all was read.
    private(set) var cut: ConsensusTime?
    private var pages = 0
    private var asked: String

    init(of contract: ContractName, from start: ConsensusTime, before end: ConsensusTime? = nil) {
        self.contract = contract
        self.start = start
        self.end = end
        self.asked = MirrorPath.logs(contract, from: start, before: end)
    }

    /// The path of the first page.
    var first: String {
        MirrorPath.logs(self.contract, from: self.start, before: self.end)
    }

    /// - Returns: The path of the next page; nil when the reading is over.
    mutating func take(_ page: MirrorPage<MirrorLog>) throws(FollowFault) -> String? {
        for log in page.rows {
            guard self.contract.has(log), log.key.time >= self.start, self.end.map({ log.key.time < $0 }) ?? true else {
                throw .again("the mirror answered with logs that were not asked for")
            }
            if let last = self.logs.last, log.key <= last.key {
                throw .again("the mirror's pages do not go on where the last one ended")
            }
            self.logs.append(log)
        }
        guard let next = page.next else { return nil }
        guard !page.rows.isEmpty, next != self.asked, let last = self.logs.last else {
            throw .again("the link to the next page leads nowhere")
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

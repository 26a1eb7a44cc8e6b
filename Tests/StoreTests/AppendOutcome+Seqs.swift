// SPDX-License-Identifier: Apache-2.0

import EventLog

extension AppendOutcome {
    /// The numbers per event; nil for a conflict.
    var seqs: [[Int]]? {
        if case .committed(let receipts) = self { receipts.map { $0.positions.map(\.seq) } } else { nil }
    }
}

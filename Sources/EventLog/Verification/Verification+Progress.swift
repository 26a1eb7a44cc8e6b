// SPDX-License-Identifier: Apache-2.0

import JSON

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

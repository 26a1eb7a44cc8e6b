// SPDX-License-Identifier: Apache-2.0

import JSON

extension Verification {
    /// How far a run is.
    package struct Progress: Sendable, Equatable {
        package var channels = 0
        package var entries = 0
        /// Entries that there were at the beginning. More may come meanwhile.
        package var total: Int
    }

    /// How many entries the tape retains: its channels' numbers, added up.
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

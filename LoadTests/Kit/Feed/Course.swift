// SPDX-License-Identifier: Apache-2.0

/// Which channel each event of a scenario is for.
struct Course: Sendable {
    enum Order: Sendable {
        /// One channel after the other.
        case inTurn
        /// Any, by a seed.
        case random(seed: UInt64)
    }

    /// The channels, at least one.
    let channels: [Int]
    let order: Order

    /// A function of the event's number alone.
    func channel(of event: Int) -> Int {
        switch self.order {
        case .inTurn:
            return self.channels[event % self.channels.count]
        case .random(let seed):
            // SplitMix64
            var mixed = seed &+ UInt64(truncatingIfNeeded: event) &* 0x9E37_79B9_7F4A_7C15
            mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
            return self.channels[Int(truncatingIfNeeded: (mixed ^ (mixed &>> 31)) % UInt64(self.channels.count))]
        }
    }
}

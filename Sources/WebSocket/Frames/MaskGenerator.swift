// SPDX-License-Identifier: Apache-2.0

/// Where a client takes its masking keys from.
///
/// A value: nothing in this module draws randomness by itself.
package struct MaskGenerator: Sendable {
    private enum Source: Sendable {
        case counter(UInt64)
        case drawn(@Sendable () -> UInt32)
    }

    private var source: Source

    /// Creates a fast sequence that depends on `seed` alone, for tests and load generators.
    ///
    /// An observer can predict it, so it does not meet RFC 6455 §10.3: never use it towards servers of others.
    package init(seed: UInt64) {
        source = .counter(seed)
    }

    /// Creates a generator that calls `draw` once per frame; `draw` must have a strong source of entropy (RFC 6455 §5.3).
    package init(drawing draw: @escaping @Sendable () -> UInt32) {
        source = .drawn(draw)
    }

    /// Returns the key of the next frame.
    package mutating func next() -> MaskKey {
        switch source {
        case .counter(let counter):
            // SplitMix64
            let state = counter &+ 0x9E37_79B9_7F4A_7C15
            source = .counter(state)
            var mixed = (state ^ (state &>> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
            return MaskKey(UInt32(truncatingIfNeeded: (mixed ^ (mixed &>> 31)) &>> 32))
        case .drawn(let draw):
            return MaskKey(draw())
        }
    }
}

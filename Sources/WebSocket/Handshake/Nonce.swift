// SPDX-License-Identifier: Apache-2.0

/// The 16 random bytes a client puts into `Sec-WebSocket-Key`, RFC 6455 §4.1.
///
/// New for each connection.
package struct Nonce: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    /// Creates a nonce of two random numbers.
    package init(_ high: UInt64, _ low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The value of `Sec-WebSocket-Key`.
    package var key: String {
        Base64.encode(
            [high, low].flatMap { word in
                stride(from: 56, through: 0, by: -8).map {
                    UInt8(truncatingIfNeeded: word >> UInt64(truncatingIfNeeded: $0))
                }
            }
        )
    }
}

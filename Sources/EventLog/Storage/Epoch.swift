// SPDX-License-Identifier: Apache-2.0

/// Generates epochs.
package enum Epoch {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")

    /// Eight random characters: 40 bits.
    package static func random() -> String {
        String((0..<8).compactMap { _ in Self.alphabet.randomElement() })
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Address of a contract or a wallet: 20 bytes. Written in lower case.
package struct Address: Sendable, Hashable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// Nil unless there are exactly 20 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 20 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Nil unless the text is `0x` and 40 digits. Mixed case is a checksum (EIP-55) and must be valid.
    package init?(_ text: String) {
        guard text.utf8.count == 42, let bytes = Hex.bytes(text) else { return nil }
        self.bytes = bytes
        let letters = text.utf8.dropFirst(2).filter { $0 > UInt8(ascii: "9") }
        let isMixed = letters.contains { $0 >= UInt8(ascii: "a") } && letters.contains { $0 <= UInt8(ascii: "F") }
        if isMixed, text != self.checksummed { return nil }
    }

    package var description: String {
        Hex.text(self.bytes)
    }

    /// Mixed-case form with a checksum (EIP-55).
    package var checksummed: String {
        let digits = self.description.utf8.dropFirst(2)
        let hash = Keccak256.digest(digits).bytes
        let text = digits.enumerated().map { index, digit in
            let nibble = hash[index / 2] >> (index % 2 == 0 ? 4 : 0) & 15
            return digit >= UInt8(ascii: "a") && nibble >= 8 ? digit - 32 : digit
        }
        return "0x" + String(decoding: text, as: UTF8.self)
    }
}

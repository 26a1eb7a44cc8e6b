// SPDX-License-Identifier: Apache-2.0

import JSON

/// A CIDR prefix, such as `10.0.0.0/8` or `2001:db8::/32` (RFC 4632, RFC 4291 §2.3).
package struct NetworkPrefix: Hashable, Sendable {
    /// The lowest address.
    let first: NetworkAddress
    /// Prefix length, of 128 bits.
    let length: Int

    var last: NetworkAddress {
        NetworkAddress(bits: self.first.bits | Self.host(self.length))
    }

    private static func host(_ length: Int) -> UInt128 {
        length == 0 ? .max : ~(UInt128.max << (128 - UInt128(clamping: length)))
    }

    /// Parses a prefix; an address without a length is a prefix of one address.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let part = parts.first, let address = NetworkAddress(part) else { return nil }
        // By notation: the length of `::ffff:10.0.0.0/104` counts IPv6 bits.
        let isWrittenAsVersion4 = !part.contains(":")
        let most = isWrittenAsVersion4 ? 32 : 128
        var length = most
        if parts.count == 2 {
            guard let given = Int(decimal: parts[1], in: 0...most) else { return nil }
            length = given
        }
        self.length = isWrittenAsVersion4 ? length + 96 : length
        self.first = NetworkAddress(bits: address.bits & ~Self.host(self.length))
    }

    func contains(_ address: NetworkAddress) -> Bool {
        address.bits & ~Self.host(self.length) == self.first.bits
    }
}

// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

extension StringProtocol {
    /// Equality without Unicode's canonical equivalence: for names that decide who sees what.
    package func hasSameBytes(as other: some StringProtocol) -> Bool {
        let isEqual = self.utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                guard left.count == right.count else { return false }
                guard let one = left.baseAddress, let two = right.baseAddress else { return true }
                return unsafe memcmp(one, two, left.count) == 0
            }
        }
        return (isEqual ?? nil) ?? self.utf8.elementsEqual(other.utf8)
    }

    /// Whether there is no ASCII control character in it.
    var hasNoControls: Bool {
        let isFree = self.utf8.withContiguousStorageIfAvailable { bytes in
            unsafe !bytes.contains { $0 < 0x20 || $0 == 0x7F }
        }
        return isFree ?? !self.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Ways to build text that are faster than those through a string's iterator.
extension Array where Element == UInt8 {
    /// Appends a string's UTF-8.
    package mutating func append(string: String) {
        let isDone: Void? = unsafe string.utf8.withContiguousStorageIfAvailable { unsafe self.append(contentsOf: $0) }
        if isDone == nil { self.append(contentsOf: string.utf8) }
    }

    /// Appends text that is a literal of the program.
    package mutating func append(literal: StaticString) {
        literal.withUTF8Buffer { unsafe self.append(contentsOf: $0) }
    }

    /// Appends an integer in decimal, as JSON writes it.
    package mutating func append(decimal value: Int) {
        if value < 0 { self.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = self.count
        repeat {
            self.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        var (low, high) = (start, self.count - 1)
        while low < high {
            self.swapAt(low, high)
            low += 1
            high -= 1
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import JSON

/// A type of the contract ABI, as far as token and fund events use them: no arrays, no tuples.
package enum ValueType: Sendable, Equatable {
    /// Bits, 8 to 256.
    case uint(Int)
    /// Bits, 8 to 256.
    case int(Int)
    case address
    case bool
    /// Bytes, 1 to 32.
    case fixedBytes(Int)
    case bytes
    case string

    /// Nil for a name that is not a type, or a type that is not supported.
    init?(_ name: some StringProtocol) {
        switch name {
        case "address": self = .address
        case "bool": self = .bool
        case "bytes": self = .bytes
        case "string": self = .string
        case "uint": self = .uint(256)
        case "int": self = .int(256)
        default:
            if name.hasPrefix("uint"), let bits = Self.bits(name.dropFirst(4)) {
                self = .uint(bits)
            } else if name.hasPrefix("int"), let bits = Self.bits(name.dropFirst(3)) {
                self = .int(bits)
            } else if name.hasPrefix("bytes"), let count = Self.number(name.dropFirst(5)), (1...32).contains(count) {
                self = .fixedBytes(count)
            } else {
                return nil
            }
        }
    }

    private static func bits(_ text: some StringProtocol) -> Int? {
        Self.number(text).flatMap { $0 % 8 == 0 && (8...256).contains($0) ? $0 : nil }
    }

    private static func number(_ text: some StringProtocol) -> Int? {
        guard text.first != "0", text.allSatisfy({ $0.isASCII && $0.isWholeNumber }) else { return nil }
        return Int(decimal: text, in: 1...256)
    }

    /// The name used in the hashed signature.
    var canonicalName: String {
        switch self {
        case .uint(let bits): "uint\(bits)"
        case .int(let bits): "int\(bits)"
        case .address: "address"
        case .bool: "bool"
        case .fixedBytes(let count): "bytes\(count)"
        case .bytes: "bytes"
        case .string: "string"
        }
    }

    /// Whether its values are numbers.
    package var isNumber: Bool {
        switch self {
        case .uint, .int: true
        case .address, .bool, .fixedBytes, .bytes, .string: false
        }
    }

    /// Whether its slot in the data holds an offset; when indexed, only the hash is stored.
    var isDynamic: Bool {
        switch self {
        case .bytes, .string: true
        case .uint, .int, .address, .bool, .fixedBytes: false
        }
    }
}

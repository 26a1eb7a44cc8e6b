// SPDX-License-Identifier: Apache-2.0

/// A decoded parameter of an event.
package enum DecodedValue: Sendable, Equatable {
    /// A number in decimal, an address or bytes in hexadecimal, or a text; written as a JSON string.
    case text(String)
    case bool(Bool)
}

/// Why a log does not match its event. The text is for operators.
package struct UndecodableLog: Error, Sendable, Equatable {
    package let reason: String
}

extension EventSignature {
    /// The values of a log, in the order of the declaration.
    ///
    /// Everything is validated before it is used: the number of topics, which distinguishes an ERC-721 Transfer from an
    /// ERC-20 one; that padding is zero; that offsets and lengths are inside the data. For an indexed text or byte
    /// string the log has only the hash, which is returned.
    package func decode(topics: [Hash256], data: [UInt8]) throws(UndecodableLog) -> [(
        name: String, value: DecodedValue
    )] {
        guard topics.first == self.topic else { throw UndecodableLog(reason: "the first topic is not \(self.name)'s") }
        let indexed = self.parameters.count(where: \.isIndexed)
        guard topics.count == indexed + 1 else {
            throw UndecodableLog(reason: "it has \(topics.count) topics, \(self.name) needs \(indexed + 1)")
        }
        let heads = self.parameters.count - indexed
        guard data.count % 32 == 0, data.count >= heads * 32 else {
            throw UndecodableLog(reason: "it has \(data.count) bytes of data for \(heads) values")
        }
        if !self.parameters.contains(where: { !$0.isIndexed && $0.type.isDynamic }), data.count > heads * 32 {
            throw UndecodableLog(reason: "it has \(data.count) bytes of data, \(self.name) needs \(heads * 32)")
        }
        var values: [(name: String, value: DecodedValue)] = []
        values.reserveCapacity(self.parameters.count)
        var topic = 1
        var head = 0
        for parameter in self.parameters {
            do throws(UndecodableLog) {
                if parameter.isIndexed {
                    let word = topics[topic].bytes
                    topic += 1
                    let value = parameter.type.isDynamic ? .text(Hex.text(word)) : try parameter.type.decode(word[...])
                    values.append((parameter.name, value))
                } else {
                    let word = data[head * 32..<head * 32 + 32]
                    head += 1
                    values.append((parameter.name, try parameter.type.decode(word, in: data)))
                }
            } catch {
                throw UndecodableLog(reason: "\(parameter.name): \(error.reason)")
            }
        }
        return values
    }
}

extension ValueType {
    /// - Parameter word: The 32 bytes in its slot.
    fileprivate func decode(_ word: ArraySlice<UInt8>, in data: [UInt8]) throws(UndecodableLog) -> DecodedValue {
        switch self {
        case .bytes:
            return .text(Hex.text(try Self.content(at: word, in: data)))
        case .string:
            guard let text = String(validating: try Self.content(at: word, in: data), as: UTF8.self) else {
                throw UndecodableLog(reason: "the text is not UTF-8")
            }
            return .text(text)
        case .uint, .int, .address, .bool, .fixedBytes:
            return try self.decode(word)
        }
    }

    fileprivate func decode(_ word: ArraySlice<UInt8>) throws(UndecodableLog) -> DecodedValue {
        switch self {
        case .uint(let bits):
            guard word.dropLast(bits / 8).allSatisfy({ $0 == 0 }) else { throw self.dirty }
            return .text(BigNumber.decimal(word))
        case .int(let bits):
            let number = word.suffix(bits / 8)
            let sign: UInt8 = (number.first ?? 0) & 0x80 == 0 ? 0 : 0xFF
            guard word.dropLast(bits / 8).allSatisfy({ $0 == sign }) else { throw self.dirty }
            return .text(BigNumber.signedDecimal(word))
        case .address:
            guard word.dropLast(20).allSatisfy({ $0 == 0 }) else { throw self.dirty }
            return .text(Hex.text(word.suffix(20)))
        case .bool:
            guard word.dropLast().allSatisfy({ $0 == 0 }), let last = word.last, last < 2 else { throw self.dirty }
            return .bool(last == 1)
        case .fixedBytes(let count):
            guard word.dropFirst(count).allSatisfy({ $0 == 0 }) else { throw self.dirty }
            return .text(Hex.text(word.prefix(count)))
        case .bytes, .string:
            return .text(Hex.text(word))
        }
    }

    private var dirty: UndecodableLog {
        UndecodableLog(reason: "the padding of the \(self.canonicalName) is not zero")
    }

    /// The bytes that an offset points to.
    private static func content(
        at head: ArraySlice<UInt8>,
        in data: [UInt8]
    ) throws(UndecodableLog) -> ArraySlice<UInt8> {
        guard let offset = Self.small(head), offset <= data.count - 32 else {
            throw UndecodableLog(reason: "its offset is outside the data of \(data.count) bytes")
        }
        guard let length = Self.small(data[offset..<offset + 32]), length <= data.count - offset - 32 else {
            throw UndecodableLog(reason: "its length exceeds the data of \(data.count) bytes")
        }
        return data[offset + 32..<offset + 32 + length]
    }

    /// Reads a word below 2^32; data is never longer than that.
    private static func small(_ word: ArraySlice<UInt8>) -> Int? {
        guard word.dropLast(4).allSatisfy({ $0 == 0 }) else { return nil }
        return word.suffix(4).reduce(0) { $0 << 8 | Int(truncatingIfNeeded: $1) }
    }
}

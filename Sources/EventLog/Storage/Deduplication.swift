// SPDX-License-Identifier: Apache-2.0


/// The deduplication result for one event of a request.
package enum Deduplication<Known> {
    case new
    /// It is stored on the tape already.
    case duplicate(Known)
    /// It repeats an earlier event of its request, at this index.
    case repeatedInRequest(Int)

    /// The results for all events of a request, or the indices of events whose IDs are used by other content.
    package enum OfRequest {
        case verdicts([Deduplication])
        case conflict([Int])
    }

    /// - Parameters:
    ///   - key: Deduplication key of the event at an index.
    ///   - find: Stored fingerprint and further data of the event at an index.
    package static func decide<Key: Hashable>(
        _ request: [Event],
        key: (Int) -> Key,
        find: (Int) throws -> (fingerprint: Fingerprint, known: Known)?
    ) rethrows -> OfRequest {
        var verdicts: [Deduplication] = []
        verdicts.reserveCapacity(request.count)
        var conflicts: [Int] = []
        var earlier: [Key: Int] = [:]
        if request.count > 1 { earlier.reserveCapacity(request.count) }
        for index in request.indices {
            if let (fingerprint, known) = try find(index) {
                if fingerprint != request[index].fingerprint { conflicts.append(index) }
                verdicts.append(.duplicate(known))
            } else if request.count == 1 {
                verdicts.append(.new)
            } else if let first = Self.enter(key(index), index, into: &earlier) {
                if request[first].fingerprint != request[index].fingerprint { conflicts.append(index) }
                verdicts.append(.repeatedInRequest(first))
            } else {
                verdicts.append(.new)
            }
        }
        return conflicts.isEmpty ? .verdicts(verdicts) : .conflict(conflicts)
    }

    /// - Returns: The index already stored under the key.
    private static func enter<Key: Hashable>(_ key: Key, _ index: Int, into earlier: inout [Key: Int]) -> Int? {
        let first = earlier[key, default: index]
        if first == index { earlier[key] = index }
        return first == index ? nil : first
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What is to become of one event of a request, by what a tape has under its id.
package enum Verdict<Known> {
    case new
    /// It stands on the tape already.
    case stands(Known)
    /// It is the same as an earlier event of its request, at this index.
    case repeats(Int)

    /// A verdict for every event of a request, or the indices of those whose ids are taken by other content.
    package enum OfRequest {
        case verdicts([Verdict])
        case conflict([Int])
    }

    /// - Parameters:
    ///   - key: What dedupe knows the event at an index by.
    ///   - find: The content and what else the tape knows under that key.
    package static func judge<Key: Hashable>(
        _ request: [Event],
        key: (Int) -> Key,
        find: (Int) throws -> (fingerprint: Fingerprint, known: Known)?
    ) rethrows -> OfRequest {
        var verdicts: [Verdict] = []
        verdicts.reserveCapacity(request.count)
        var conflicts: [Int] = []
        var earlier: [Key: Int] = [:]
        if request.count > 1 { earlier.reserveCapacity(request.count) }
        for index in request.indices {
            if let (fingerprint, known) = try find(index) {
                if fingerprint != request[index].fingerprint { conflicts.append(index) }
                verdicts.append(.stands(known))
            } else if request.count == 1 {
                verdicts.append(.new)
            } else if let first = Self.enter(key(index), index, into: &earlier) {
                if request[first].fingerprint != request[index].fingerprint { conflicts.append(index) }
                verdicts.append(.repeats(first))
            } else {
                verdicts.append(.new)
            }
        }
        return conflicts.isEmpty ? .verdicts(verdicts) : .conflict(conflicts)
    }

    /// - Returns: The index that stands under the key already.
    private static func enter<Key: Hashable>(_ key: Key, _ index: Int, into earlier: inout [Key: Int]) -> Int? {
        let first = earlier[key, default: index]
        if first == index { earlier[key] = index }
        return first == index ? nil : first
    }
}

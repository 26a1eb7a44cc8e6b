// SPDX-License-Identifier: Apache-2.0

import Hub

/// What is to become of one event of a request, by what a tape has under its id.
enum Verdict<Known> {
    case new
    /// It stands on the tape already.
    case stands(Known)
    /// It is the same as an earlier event of its request, at this index.
    case repeats(Int)

    /// A verdict for every event of a request, or the indices of those whose ids are taken by other content.
    enum OfRequest {
        case verdicts([Verdict])
        case conflict([Int])
    }

    /// - Parameter find: The content and what else the tape knows under the id of the event at an index.
    static func judge(
        _ request: [Event],
        find: (Int) throws -> (fingerprint: Fingerprint, known: Known)?
    ) rethrows -> OfRequest {
        var verdicts: [Verdict] = []
        verdicts.reserveCapacity(request.count)
        var conflicts: [Int] = []
        var earlier: [EventKey: Int] = [:]
        for (index, event) in request.enumerated() {
            if let (fingerprint, known) = try find(index) {
                if fingerprint != event.fingerprint { conflicts.append(index) }
                verdicts.append(.stands(known))
            } else if request.count == 1 {
                verdicts.append(.new)
            } else if let first = earlier[EventKey(of: event)] {
                if request[first].fingerprint != event.fingerprint { conflicts.append(index) }
                verdicts.append(.repeats(first))
            } else {
                earlier[EventKey(of: event)] = index
                verdicts.append(.new)
            }
        }
        return conflicts.isEmpty ? .verdicts(verdicts) : .conflict(conflicts)
    }
}

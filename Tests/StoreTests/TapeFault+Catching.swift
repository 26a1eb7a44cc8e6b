// SPDX-License-Identifier: Apache-2.0

import EventLog

/// The fault that work ends in; nil when it ends well.
func faultOf(_ work: () async throws -> Void) async -> TapeFault? {
    do {
        try await work()
        return nil
    } catch {
        return error as? TapeFault
    }
}

extension TapeFault? {
    func isUnavailable(saying words: String...) -> Bool {
        if case .unavailable(let text) = self { words.allSatisfy(text.contains) } else { false }
    }

    func isRefused(saying words: String...) -> Bool {
        if case .refused(let refusal) = self { words.allSatisfy(refusal.detail.contains) } else { false }
    }

    func isDamaged(saying words: String...) -> Bool {
        if case .damaged(let text) = self { words.allSatisfy(text.contains) } else { false }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Publish requests rejected before they reached the writer, by error code.
package final class RejectionCount: Sendable {
    private let counts = Mutex<[ErrorCode: Int]>([:])

    package var all: [ErrorCode: Int] {
        self.counts.withLock { $0 }
    }

    func add(_ code: ErrorCode) {
        self.counts.withLock { $0[code, default: 0] += 1 }
    }
}

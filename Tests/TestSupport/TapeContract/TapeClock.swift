// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Synchronization

/// A clock that only advances when it is set.
package final class TapeClock: Sendable {
    private let time = Mutex(Timestamp(nanoseconds: 1_000))

    package init() {}

    package var now: Timestamp {
        get { self.time.withLock { $0 } }
        set { self.time.withLock { $0 = newValue } }
    }
}

extension Timestamp {
    /// A time as the tests write it.
    static func at(_ nanoseconds: Int64) -> Timestamp {
        Timestamp(nanoseconds: nanoseconds)
    }
}

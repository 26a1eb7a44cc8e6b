// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value that one task leaves for another.
final class Box<Value: Sendable>: Sendable {
    private let content: Mutex<Value>

    init(_ value: Value) {
        self.content = Mutex(value)
    }

    var value: Value {
        get { self.content.withLock { $0 } }
        set { self.content.withLock { $0 = newValue } }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Hub
import NIOCore
import Synchronization

/// A connection that takes everything and only counts it.
final class CountingTransport: Transport {
    private let bytes = Atomic<Int>(0)

    var count: Int { self.bytes.load(ordering: .relaxed) }

    var isWritable: Bool { true }

    func write(_ frames: ByteBuffer) {
        self.bytes.add(frames.readableBytes, ordering: .relaxed)
    }

    func flush() {}

    func ping() {}

    var lastHeard: NIODeadline { .now() }

    func resumeReading() {}

    func close(_ reason: CloseReason) {}
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// How the bytes of a fixture reach the code under test.
enum Delivery: CaseIterable {
    /// In one read.
    case whole
    /// One byte per read.
    case byteByByte
    /// In one read whose storage nobody else holds.
    case unshared

    /// Returns the reads.
    func reads(of wire: ByteBuffer) -> [ByteBuffer] {
        switch self {
        case .whole: [wire]
        case .byteByByte: wire.readableBytesView.map { ByteBuffer(bytes: [$0]) }
        case .unshared: [ByteBuffer(bytes: Array(wire.readableBytesView))]
        }
    }
}

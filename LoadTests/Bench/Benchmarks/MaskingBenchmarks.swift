// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WebSocket

enum MaskingBenchmarks {
    static let all = [Self.mask(200), Self.mask(16_384)]

    private static func mask(_ bytes: Int) -> Benchmark {
        Benchmark("mask-\(bytes)", "\(bytes) B masked in place") {
            let key = WebSocket.MaskKey(0x1234_5678)
            let content = ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes)
            return { iterations in
                var buffer = content
                for _ in 0..<iterations { key.apply(to: &buffer) }
                keep(buffer)
                return nil
            }
        }
    }
}

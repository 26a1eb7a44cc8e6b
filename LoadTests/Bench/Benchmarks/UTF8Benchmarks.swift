// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WebSocket

enum UTF8Benchmarks {
    static let all = [
        Self.validate("utf8-ascii-200", "200 B of ASCII", String(repeating: "x", count: 200)),
        Self.validate("utf8-ascii-16k", "16 KiB of ASCII", String(repeating: "x", count: 16_384)),
        Self.validate("utf8-mixed-16k", "16 KiB, a third not ASCII", String(repeating: "abcd€", count: 2_341)),
    ]

    private static func validate(_ name: String, _ unit: String, _ text: String) -> Benchmark {
        Benchmark(name, unit) {
            let buffer = ByteBuffer(string: text)
            return { iterations in
                for _ in 0..<iterations {
                    var validator = WebSocket.UTF8Validator()
                    keep(validator.firstFault(in: buffer))
                }
                return nil
            }
        }
    }
}

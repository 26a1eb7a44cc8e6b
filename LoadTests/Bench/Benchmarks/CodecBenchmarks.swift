// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WebSocket

/// Frames as a hub reads and writes them.
enum CodecBenchmarks {
    static let all = [
        Benchmark("frame-encode-200", "text frame of 200 B, server") {
            let payload = ByteBuffer(repeating: UInt8(ascii: "x"), count: 200)
            return { iterations in
                for _ in 0..<iterations { keep(WebSocket.Frame.encode(text: payload)) }
                return nil
            }
        },
        Self.decode("frame-decode-200", bytes: 200, frames: 64),
        Self.decode("frame-decode-16k", bytes: 16_384, frames: 4),
    ]

    /// Masked frames of a client, so many in one read: header, unmasking, UTF-8.
    private static func decode(_ name: String, bytes: Int, frames: Int) -> Benchmark {
        Benchmark(name, "masked text frame of \(bytes) B", operations: frames) {
            var client = WebSocket.Endpoint(role: .client(masks: WebSocket.MaskGenerator(seed: 1)))
            let payload = ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes)
            var read = ByteBuffer()
            for _ in 0..<frames { client.write(text: payload, into: &read) }
            let input = read
            return { iterations in
                var server = WebSocket.Endpoint(role: .server)
                for _ in 0..<iterations {
                    server.receive(input)
                    while let event = server.next() { keep(event) }
                }
                return nil
            }
        }
    }
}

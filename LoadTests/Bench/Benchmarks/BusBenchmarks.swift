// SPDX-License-Identifier: Apache-2.0

import EventLog
import NIOCore
import RedisBus
import Secrets

/// What nodes tell each other: to the bytes that go to Redis, and from those that come from it.
enum BusBenchmarks {
    private static let batches = [1, 64]

    static let all: [Benchmark] = Self.batches.flatMap { count in
        [
            Benchmark("bus-encode-\(count)", "event of a message of \(count), sealed", operations: count) {
                let (commit, seal) = (try Self.commit(count), try Self.seal())
                return { iterations in
                    for number in 0..<iterations { keep(Self.messages(commit, UInt64(number), seal)) }
                    return nil
                }
            },
            Benchmark("bus-seal-\(count)", "event of that, the seal alone", operations: count) {
                let seal = try Self.seal()
                let plain = BusMessage.encode([try Self.commit(count)], from: Self.sender, limit: Self.limit)
                return { iterations in
                    for number in 0..<iterations {
                        for message in plain {
                            var message = message
                            BusMessage.finish(&message, counter: UInt64(number), sent: .now, with: seal)
                            keep(message)
                        }
                    }
                    return nil
                }
            },
            Benchmark("bus-decode-\(count)", "event of that, checked and read", operations: count) {
                let seal = try Self.seal()
                let messages = Self.messages(try Self.commit(count), 1, seal).map { Array($0.readableBytesView) }
                return { iterations in
                    for _ in 0..<iterations {
                        for message in messages where seal.isGood(message) {
                            keep(try BusMessage(decoding: message))
                        }
                    }
                    return nil
                }
            },
        ]
    }

    private static let sender = InstanceID(high: 1, low: 2)
    private static let limit = 256 << 10

    private static func seal() throws -> BusSeal {
        BusSeal([try Secret("a secret of the benchmarks, which is no secret")], channel: "bench")
    }

    private static func commit(_ count: Int) throws -> ChannelBatch {
        let events = try IntakeBenchmarks.events(0..<count, keys: 1)
        let entries = events.enumerated().map { TapeEntry(seq: $0 + 1, event: $1) }
        return ChannelBatch(channel: ChannelName(type: "chainEvent", key: "bench-0"), entries: entries)
    }

    private static func messages(_ commit: ChannelBatch, _ counter: UInt64, _ seal: BusSeal) -> [ByteBuffer] {
        BusMessage.encode([commit], from: Self.sender, limit: Self.limit).map { message in
            var message = message
            BusMessage.finish(&message, counter: counter, sent: .now, with: seal)
            return message
        }
    }
}

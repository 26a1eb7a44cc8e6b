// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// Makes inputs out of a corpus: the same ones for the same seed.
package struct Mutator: Sendable {
    /// What the formats are made of, so that changes hit upon something that has a meaning.
    private static let tokens: [[UInt8]] =
        [
            "\r\n", "\r\n\r\n", "\n", "\0", " ", ":", ": ", ",", ";", "0", "-1", "1e9", "9223372036854775807",
            "18446744073709551616", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Host: h\r\n",
            "0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n", "{", "}", "[",
            "]",
            "\"", "\\u0000", "\\ud800", "null", "true", "\"type\":\"rateChange\"", "\"id\":", "\"data\":{}", "$-1\r\n",
            "*1\r\n",
            "*-1\r\n", "$5\r\n", "+", "\u{fffd}",
        ].map { Array($0.utf8) } + [
            [0x81, 0x80, 0, 0, 0, 0], [0x00, 0x80, 0, 0, 0, 0], [0x89, 0x80, 0, 0, 0, 0], [0xFF, 0xFE],
        ]
        + [
            [0xC1, 0x80, 0, 0, 0, 0], [0x7E, 0, 0x80], [0x7F, 0, 0, 0, 0, 0, 0, 1, 0], [0, 0, 0xFF, 0xFF],
            [0xE2, 0x82],
        ]

    private let corpus: [[UInt8]]
    private var random: SplitMix

    /// - Parameter corpus: At least one input.
    package init(_ corpus: [[UInt8]], seed: UInt64) {
        self.corpus = corpus
        self.random = SplitMix(seed: seed)
    }

    /// The next input, of at most a few thousand bytes.
    package mutating func next() -> [UInt8] {
        var bytes = self.pick()
        for _ in 0..<Int.random(in: 1...6, using: &self.random) { self.change(&bytes) }
        return Array(bytes.prefix(4096))
    }

    private mutating func pick() -> [UInt8] {
        self.corpus.randomElement(using: &self.random) ?? []
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = Int.random(in: 0...bytes.count, using: &self.random)
        let end = min(bytes.count, place + Int.random(in: 1...32, using: &self.random))
        switch Int.random(in: 0..<8, using: &self.random) {
        case 0 where place < bytes.count:
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self.random)
        case 1 where place < bytes.count:
            bytes[place] = UInt8.random(in: 0 ... .max, using: &self.random)
        case 2:
            bytes.removeSubrange(place..<end)
        case 3:
            bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
        case 4:
            bytes.insert(UInt8.random(in: 0 ... .max, using: &self.random), at: place)
        case 5:
            // The beginning of one and the end of another.
            let other = self.pick()
            bytes.replaceSubrange(place..., with: other.suffix(Int.random(in: 0...other.count, using: &self.random)))
        default:
            bytes.insert(contentsOf: Self.tokens.randomElement(using: &self.random) ?? [], at: place)
        }
    }
}

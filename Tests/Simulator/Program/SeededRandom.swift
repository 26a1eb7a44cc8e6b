// SPDX-License-Identifier: Apache-2.0

/// Seeded decisions. Each part of a simulated world has its own, so that leaving out one part changes little elsewhere.
struct SeededRandom {
    private var numbers: SplitMix

    init(seed: UInt64) {
        self.numbers = SplitMix(state: seed)
        _ = self.numbers.next()
    }

    mutating func seed() -> UInt64 { self.numbers.next() }

    mutating func happens(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &self.numbers) < probability
    }

    mutating func number(_ range: Range<Int>) -> Int {
        Int.random(in: range, using: &self.numbers)
    }

    mutating func time(_ range: ClosedRange<Double>) -> Duration {
        .seconds(Double.random(in: range, using: &self.numbers))
    }

    mutating func one<Element>(of elements: [Element]) -> Element {
        elements[self.number(0..<elements.count)]
    }

    mutating func some<Element>(of elements: [Element], _ count: Range<Int>) -> [Element] {
        Array(elements.shuffled(using: &self.numbers).prefix(self.number(count)))
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

// SPDX-License-Identifier: Apache-2.0

/// How many values up to which size were observed: a histogram as a node exposes it.
package struct Buckets: Sendable, Equatable {
    /// Upper bounds, ascending; the last one is infinite.
    private var bounds: [Double] = []
    /// How many values are within the bound.
    private var counts: [Double] = []

    package init() {}

    init(_ told: [(bound: Double, count: Double)]) {
        for (bound, count) in told.sorted(by: { $0.bound < $1.bound }) {
            self.bounds.append(bound)
            self.counts.append(count)
        }
    }

    /// How many values were observed.
    package var count: Double {
        self.counts.last ?? 0
    }

    /// What was observed since; all of it when the earlier ones are of another run of the process, or were none.
    package func since(_ earlier: Buckets) -> Buckets {
        guard earlier.bounds == self.bounds, zip(self.counts, earlier.counts).allSatisfy({ $0 >= $1 }) else {
            return self
        }
        var difference = self
        difference.counts = zip(self.counts, earlier.counts).map { $0 - $1 }
        return difference
    }

    /// The size below which so large a part of the values is, with the values of a bucket spread evenly over it; nil
    /// without values, infinite beyond the last bound.
    package func quantile(_ part: Double) -> Double? {
        guard self.count > 0 else { return nil }
        let rank = part * self.count
        guard let index = self.counts.firstIndex(where: { $0 >= rank }) else { return nil }
        guard self.bounds[index].isFinite else { return .infinity }
        let (lower, below) = index == 0 ? (0, 0) : (self.bounds[index - 1], self.counts[index - 1])
        let inside = self.counts[index] - below
        return inside > 0 ? lower + (self.bounds[index] - lower) * (rank - below) / inside : self.bounds[index]
    }

    package static func + (left: Buckets, right: Buckets) -> Buckets {
        guard !left.bounds.isEmpty else { return right }
        guard left.bounds == right.bounds else { return left }
        var sum = left
        sum.counts = zip(left.counts, right.counts).map { $0 + $1 }
        return sum
    }
}

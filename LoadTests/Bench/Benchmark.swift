// SPDX-License-Identifier: Apache-2.0

/// One thing that is measured in-process.
struct Benchmark: Sendable {
    /// What is repeated, made once per run so that runs do not share state.
    ///
    /// Returns the time it took, where it has to make something first that does not count.
    typealias Work = (_ iterations: Int) async throws -> Duration?

    let name: String
    /// What one iteration is, such as `frame of 200 B`.
    let unit: String
    /// How many operations one iteration counts as, where it is more than one.
    let operations: Int
    /// Prepares a run.
    let prepare: @Sendable () async throws -> Work

    init(_ name: String, _ unit: String, operations: Int = 1, _ prepare: @escaping @Sendable () async throws -> Work) {
        self.name = name
        self.unit = unit
        self.operations = operations
        self.prepare = prepare
    }

    /// Every benchmark, in the order in which they are run. A new one is added here.
    static let all: [Benchmark] =
        CodecBenchmarks.all + MaskingBenchmarks.all + UTF8Benchmarks.all + IntakeBenchmarks.all
        + FanoutBenchmarks.all + TapeBenchmarks.all + BusBenchmarks.all
}

/// Keeps what is computed from being left out by the optimizer.
@inline(never)
func keep<Value>(_ value: borrowing Value) {}

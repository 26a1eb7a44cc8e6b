// SPDX-License-Identifier: Apache-2.0

/// Times benchmarks.
struct Runner: Sendable {
    /// Least time of one run.
    let runTime: Duration
    let runs: Int

    /// Times one benchmark: as many iterations as fill the time of a run, several runs of them.
    func run(_ benchmark: Benchmark) async throws -> Result {
        var iterations = 1
        var work = try await benchmark.prepare()
        while true {
            let time = try await Self.time(work, iterations)
            if time >= self.runTime / 4 || iterations > 1 << 40 {
                iterations = max(1, Int(Double(iterations) * (self.runTime / time)))
                break
            }
            iterations *= 4
        }
        var nanoseconds: [Double] = []
        for _ in 0..<self.runs {
            work = try await benchmark.prepare()
            let time = try await Self.time(work, iterations)
            nanoseconds.append(time / .nanoseconds(1) / Double(iterations * benchmark.operations))
        }
        return Result(benchmark: benchmark, nanoseconds: nanoseconds.sorted(), iterations: iterations)
    }

    private static func time(_ work: Benchmark.Work, _ iterations: Int) async throws -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        let own = try await work(iterations)
        return own ?? clock.now - start
    }
}

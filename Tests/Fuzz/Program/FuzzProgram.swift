// SPDX-License-Identifier: Apache-2.0

import Foundation
import FuzzTargets

/// `broadtape-fuzz TARGET …`: fuzzes one target. Built by `make fuzz` with libFuzzer, which then takes the other arguments;
/// without it, mutates the corpus for so many seconds.
@main
enum FuzzProgram {
    static func main() throws {
        guard let name = CommandLine.arguments.dropFirst().first, let target = FuzzTarget(rawValue: name) else {
            let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
            throw Usage(description: "usage: broadtape-fuzz TARGET …; targets are \(names)")
        }
        try self.fuzz(target)
    }

    private struct Usage: Error, CustomStringConvertible {
        let description: String
    }

    #if FUZZING
    /// libFuzzer calls back without context.
    private static let target = FuzzTarget(rawValue: CommandLine.arguments[1])

    private static func fuzz(_: FuzzTarget) throws {
        var count = CommandLine.argc - 1
        var arguments = unsafe CommandLine.unsafeArgv + 1
        let status = unsafe runLibFuzzer(&count, &arguments) { bytes, count in
            let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
            do {
                try FuzzProgram.target?.run(input)
            } catch {
                fatalError("\(error)")
            }
            return 0
        }
        exit(status)
    }
    #else
    private static func fuzz(_ target: FuzzTarget) throws {
        let seconds = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 60
        let corpus = try Corpus.inputs(of: target).map(\.bytes)
        let end = ContinuousClock.now.advanced(by: .seconds(seconds))
        let last = URL(fileURLWithPath: "\(target.rawValue).input")
        var seed = UInt64.random(in: 0 ... .max)
        var inputs = 0
        while ContinuousClock.now < end {
            var mutator = Mutator(corpus, seed: seed)
            for _ in 0..<1000 {
                let input = mutator.next()
                // Before it is read: a trap leaves it there.
                try Data(input).write(to: last)
                try target.run(input)
            }
            inputs += 1000
            seed &+= 1
        }
        try FileManager.default.removeItem(at: last)
        print("\(target.rawValue): \(inputs) inputs, nothing found")
    }
    #endif
}

#if FUZZING
/// libFuzzer's own loop; its library ships with the compiler.
@_silgen_name("LLVMFuzzerRunDriver")
private func runLibFuzzer(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<Int8>?>>,
    _ run: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32
#endif

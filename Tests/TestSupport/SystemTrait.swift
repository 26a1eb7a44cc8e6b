// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Testing

/// Of suites that start processes, or need the machine to themselves. `make test` runs them one after the other, and
/// `make test-fast` leaves them out; both know them by the name, which has `SystemTests` in it.
///
/// Without it a suite cannot start a process (``Program``), and after each of its tests the process has to be as it was:
/// with few files open.
package struct SystemTrait: SuiteTrait, TestTrait, TestScoping {
    private static let name = "SystemTests"
    /// A run needs some 100. Loops, connections, databases and pipes that nobody closes add up to more.
    private static let mostDescriptors = 400
    @TaskLocal private static var isEntered = false

    package var isRecursive: Bool { true }

    package func prepare(for test: Test) throws {
        guard "\(test.id)".contains(Self.name) else {
            throw SetupFailure(description: "\(test.id) is a system test: its suite's name has to have \(Self.name)")
        }
    }

    @concurrent
    package func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await Self.$isEntered.withValue(true) { try await function() }
        // What a test has left may take a moment to close.
        try? await eventually("few open files", within: .seconds(5)) { OpenFiles.count <= Self.mostDescriptors }
        #expect(OpenFiles.count <= Self.mostDescriptors, "left open after \(test.id): \(OpenFiles.kinds)")
    }

    /// Throws in a test that may not start a process.
    static func check() throws(SetupFailure) {
        guard let test = Test.current, !Self.isEntered else { return }
        throw SetupFailure(description: "\(test.id) starts a process: its suite needs the trait `.system`")
    }
}

extension Trait where Self == SystemTrait {
    /// ``SystemTrait``
    package static var system: Self { SystemTrait() }
}

/// The files, sockets and pipes that this process has open.
package enum OpenFiles {
    private static let folder = "/dev/fd"

    package static var count: Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: self.folder)) ?? []).count
    }

    /// How many there are of each kind.
    package static var kinds: [String: Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: self.folder)) ?? []
        return names.reduce(into: [:]) { kinds, name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(self.folder)/\(name)")
            // `socket:[1234]`, `anon_inode:[eventpoll]`, `/tmp/file`.
            kinds[target.map { $0.replacing(#/\[?\d+\]?/#, with: "") } ?? "gone", default: 0] += 1
        }
    }
}

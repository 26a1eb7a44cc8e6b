// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LoadKit

struct UsageTests {
    private static let status = "Name:\tbroadtape\nVmPeak:\t  999 kB\nVmRSS:\t   1234 kB\nThreads:\t4\n"
    private static let stat = "77 (broadtape) S 1 77 77 0 -1 4194560 900 0 0 0 250 150 0 0 20 0 4 0 100 1 2"

    @Test(arguments: ["broadtape", "a b", "x) S 1 (y", ""])
    func timesAreFoundBehindAnyName(name: String) throws {
        let stat = Self.stat.replacingOccurrences(of: "(broadtape)", with: "(\(name))")
        let usage = try #require(ProcessUsage(stat: stat, status: Self.status, ticks: 100))
        #expect(usage == ProcessUsage(cpuSeconds: 4, residentBytes: 1_234 * 1_024))
    }

    @Test(arguments: [("", Self.status), ("77 broadtape S", Self.status), ("77 (b) S 1 2", Self.status)])
    func otherTextsAreNoUsage(stat: String, status: String) {
        #expect(ProcessUsage(stat: stat, status: status, ticks: 100) == nil)
    }

    @Test func aZombieHasNoMemoryToTell() {
        #expect(ProcessUsage(stat: Self.stat, status: "Name:\tbroadtape\nState:\tZ", ticks: 100) == nil)
    }

    @Test(arguments: ["1", "1234", "@hub.pid", "@/run/hub.pid"])
    func processesAreRead(text: String) {
        #expect(ProcessReference(text)?.description == text)
    }

    @Test(arguments: ["", "0", "-1", "x", "@", "12 34"])
    func otherTextsAreNoProcesses(text: String) {
        #expect(ProcessReference(text) == nil)
    }

    @Test func aFileIsReadAgainEachTime() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("pid-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let process = try #require(ProcessReference("@\(path)"))
        #expect(process.identifier == nil)
        try Data("17\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(process.identifier == 17)
        try Data("18\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(process.identifier == 18)
    }

    #if os(Linux)
    @Test func thisProcessUsesSomething() throws {
        let usage = try #require(ProcessUsage(of: Int(ProcessInfo.processInfo.processIdentifier)))
        #expect(usage.residentBytes > 1_000_000)
        #expect(usage.cpuSeconds >= 0)
    }
    #endif
}

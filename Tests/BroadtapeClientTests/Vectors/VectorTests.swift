// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Testing

/// The vectors that every client passes (Tests/Vectors), against this one.
struct VectorTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Vectors")

    /// By name without `.json`.
    private static let files: [String: JSON.Value] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: Self.folder.path)) ?? []
        var files: [String: JSON.Value] = [:]
        for name in names where name.hasSuffix(".json") {
            let text = try? Data(contentsOf: Self.folder.appendingPathComponent(name))
            files[String(name.dropLast(5))] = text.flatMap { try? JSON.Value.parse(Array($0)) }
        }
        return files
    }()

    /// Steps that vectors of any file may begin with.
    private static let preludes = Dictionary(
        Self.files.values.flatMap { file in
            file["preludes"].map { $0.members.map { ($0.name, Array($0.value.elements)) } } ?? []
        },
        uniquingKeysWith: { first, _ in first }
    )

    /// A folder that was emptied by mistake must not pass.
    @Test func thereAreVectors() {
        #expect(Self.files.count >= 10)
        #expect(Self.files.values.allSatisfy { ($0["vectors"]?.count ?? 0) > 0 })
    }

    @Test(arguments: Self.files.keys.sorted())
    func vectorsPass(_ name: String) throws {
        for vector in try #require(Self.files[name]?["vectors"]).elements {
            let title = vector["name"]?.string ?? ""
            var bench = try VectorBench(vector["client"])
            let prelude = try vector["after"]?.string.map { try #require(Self.preludes[$0], "\(title)") } ?? []
            for (index, step) in (prelude + (vector["steps"].map { Array($0.elements) } ?? [])).enumerated() {
                let outputs = try bench.take(step)
                let expected = step["expect"].map { Array($0.elements) } ?? []
                let isSame =
                    outputs.count == expected.count
                    && zip(expected, outputs).allSatisfy { bench.matches($0, $1) }
                guard isSame else {
                    let (wanted, got) = (expected.map(\.written), outputs.map(\.written))
                    Issue.record("\(title), step \(index + 1) \(step.written):\nexpected \(wanted)\ngot \(got)")
                    break
                }
            }
        }
    }
}

extension JSON.Value {
    /// The value as text.
    var written: String { String(decoding: self.text, as: UTF8.self) }
}

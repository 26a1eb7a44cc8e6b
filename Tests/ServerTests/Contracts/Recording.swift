// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import Synchronization
import TestSupport

/// What a hub and its clients have said to each other in a test, to be held against the contracts
/// (`config/openapi.yaml`, `config/asyncapi.yaml`).
///
/// ``TestServer``, ``Socket`` and ``EventSource`` record their traffic while a recording is ``current``.
final class Recording: Sendable {
    enum Transport: String, Sendable {
        case socket, stream
    }

    @TaskLocal static var current: Recording?

    private let lines = Mutex<[String]>([])

    private func add(_ kind: String, _ members: (inout JSON.Writer) -> Void) {
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("kind", string: kind)
        members(&writer)
        writer.endObject()
        let line = String(decoding: writer.bytes, as: UTF8.self)
        self.lines.withLock { $0.append(line) }
    }

    /// A message of a client that is as it should be.
    func sent(_ text: String) {
        self.add("sent") { $0.member("text", string: text) }
    }

    func told(_ text: String, over transport: Transport) {
        self.add("told") { writer in
            writer.member("transport", string: transport.rawValue)
            writer.member("text", string: text)
        }
    }

    func closed(_ code: Int) {
        self.add("closed") { $0.member("code", integer: code) }
    }

    func answered(_ request: Request, _ answer: Answer) {
        self.add("answer") { writer in
            writer.member("method", string: request.method)
            writer.member("target", string: request.target)
            writer.member("status", integer: answer.status)
            writer.name("fields")
            writer.beginObject()
            for (name, value) in answer.fields.sorted(by: { $0.key < $1.key }) { writer.member(name, string: value) }
            writer.endObject()
            writer.member("body", string: answer.text)
        }
    }

    /// What the program has, in a list with a name.
    func knows(_ name: String, _ words: [String]) {
        self.add("known") { writer in
            writer.member("name", string: name)
            writer.name("words")
            writer.beginArray()
            for word in words { writer.string(word) }
            writer.endArray()
        }
    }

    /// Holds all of it against the contracts of a folder.
    /// - Returns: What is wrong, a line each.
    func faults(against contracts: URL) async throws -> [String] {
        let record = FileManager.default.temporaryDirectory.appendingPathComponent("record-\(UUID()).ndjson")
        try Data((self.lines.withLock { $0 }.joined(separator: "\n") + "\n").utf8).write(to: record)
        defer { try? FileManager.default.removeItem(at: record) }
        let script = Script.root.appendingPathComponent("Tests/System/Contracts/validate.py").path
        let validation = try await Program([try Script.python(), script, contracts.path, record.path])
            .endOrKill(within: .seconds(120))
        guard validation.status != 0 else { return [] }
        return validation.lines + ["\(validation)"]
    }

    /// Where the contracts are.
    static var contracts: URL {
        Script.root.appendingPathComponent("config")
    }
}

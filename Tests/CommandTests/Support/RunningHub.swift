// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Client
import Foundation
import HubTestSupport
import JSON
import NIOCore
import NIOHTTP1
import Testing

/// `broadtape serve` as a process.
struct RunningHub: Sendable {
    static let secret = "a secret of the tests that has thirty-two bytes and more"

    let program: Program
    let port: Int
    let folder: TestFolder

    var url: String {
        "http://127.0.0.1:\(self.port)"
    }

    func address() throws -> HubAddress {
        try HubAddress(self.url)
    }

    /// Starts a hub and waits until it is ready.
    /// - Parameter port: 0 takes a free one.
    static func start(
        in folder: TestFolder,
        port: Int = 0,
        _ arguments: [String] = ["--jwt-secret", Self.secret],
        environment: [String: String] = [:]
    ) async throws -> RunningHub {
        let program = try Program(
            ["serve", "--port", "\(port)", "--admin-port", "0"] + arguments,
            environment: environment,
            in: folder
        )
        do {
            try await program.record.wait(for: "the hub to listen") { $0.status != nil || Self.port(in: $0) != nil }
            let found = try #require(Self.port(in: program.record.value), "\(program.record.value)")
            let hub = RunningHub(program: program, port: found, folder: folder)
            try await eventually("the hub is ready") { try await hub.get("/health/ready").status == 200 }
            return hub
        } catch {
            try await program.kill()
            throw error
        }
    }

    private static func port(in record: Program.Record) -> Int? {
        let line = record.errors.split(separator: "\n").first { $0.hasSuffix(" listening") }
        return line?.firstMatch(of: #/address=\S*:(\d+)/#).flatMap { Int($0.1) }
    }

    /// A token, made by the program itself.
    func token(_ subject: String, _ scopes: String...) async throws -> String {
        let arguments = ["token", "--subject", subject, "--jwt-secret", Self.secret]
        let record = try await Program.run(arguments + scopes.flatMap { ["--scope", $0] }, in: self.folder)
        try #require(record.status == 0, "\(record)")
        return try #require(record.lines.first)
    }

    /// Sends one request, whose answer has a status and a body.
    func get(_ target: String, token: String? = nil) async throws -> (status: Int, body: [UInt8]) {
        var request = HTTPClientRequest(url: self.url + target)
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 24)
        return (Int(response.status.code), Array(body.readableBytesView))
    }

    /// Runs a command against this hub.
    func run(_ arguments: String..., token: String? = nil, input: String = "") async throws -> Program.Record {
        var environment = ["BROADTAPE_URL": self.url]
        if let token { environment["BROADTAPE_TOKEN"] = token }
        return try await Program.run(arguments, environment: environment, in: self.folder, input: input)
    }

    /// Everything on one channel, oldest first.
    func events(of channel: String, token: String) async throws -> [JSON.Value] {
        var events: [JSON.Value] = []
        while true {
            let target = "/channels/\(channel)/events?limit=1000&after=\(events.last?["seq"]?.integer ?? 0)"
            let answer = try await self.get(target, token: token)
            try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
            let page = try #require(try JSON.Value.parse(answer.body)["events"]).elements.map { $0 }
            guard !page.isEmpty else { return events }
            events += page
        }
    }
}

/// Runs a body with a hub in a folder of its own, and ends it afterwards.
func withHub(
    _ arguments: [String] = ["--jwt-secret", RunningHub.secret],
    _ body: (RunningHub) async throws -> Void
) async throws {
    try await withFolder { folder in
        let hub = try await RunningHub.start(in: folder, arguments)
        let result: Result<Void, any Error>
        do {
            try await body(hub)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await hub.program.kill()
        try result.get()
    }
}

// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
package import BroadtapeClient
import Foundation
package import JSON
import NIOCore
import NIOHTTP1
import Testing

/// `broadtape serve` as a process.
package struct RunningHub: Sendable {
    package static let secret = "a secret of the tests that has thirty-two bytes and more"

    package let program: Program
    package let port: Int
    package let folder: TestFolder

    package init(program: Program, port: Int, folder: TestFolder) {
        self.program = program
        self.port = port
        self.folder = folder
    }

    package var url: String {
        "http://127.0.0.1:\(self.port)"
    }

    package func address() throws -> HubAddress {
        try HubAddress(self.url)
    }

    /// Starts a hub and waits until it is ready.
    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - descriptors: How many files it may open; nil is what the tests may.
    package static func start(
        in folder: TestFolder,
        port: Int = 0,
        _ arguments: [String] = ["--jwt-secret", Self.secret],
        environment: [String: String] = [:],
        descriptors: Int? = nil
    ) async throws -> RunningHub {
        let arguments = ["serve", "--port", "\(port)", "--admin-port", "0"] + arguments
        let program =
            if let descriptors {
                try Program(arguments, descriptors: descriptors, in: folder)
            } else {
                try Program(arguments, environment: environment, in: folder)
            }
        return try await Self.listening(program, in: folder)
    }

    /// Waits until a program that was started is a hub that is ready.
    package static func listening(_ program: Program, in folder: TestFolder) async throws -> RunningHub {
        do {
            try await program.record.wait(for: "the hub to listen") { record in
                record.status != nil || Self.port(after: "listening", in: record) != nil
            }
            let record = program.record.value
            let hub = RunningHub(
                program: program,
                port: try #require(Self.port(after: "listening", in: record), "\(record)"),
                folder: folder
            )
            try await eventually("the hub is ready") { try await hub.get("/health/ready").status == 200 }
            return hub
        } catch {
            try await program.kill()
            throw error
        }
    }

    /// Reads a port from the line of the log that has it.
    private static func port(after message: String, in record: Program.Record) -> Int? {
        let line = record.errors.split(separator: "\n").first {
            $0.hasSuffix(" " + message) || $0.contains("\"message\":\"\(message)\"")
        }
        return line?.firstMatch(of: #/"?address"?[=:]\S*:(\d+)/#).flatMap { Int($0.1) }
    }

    /// The operators' port; nil until the hub listens there too.
    package var adminURL: String? {
        Self.port(after: "admin port", in: self.program.record.value).map { "http://127.0.0.1:\($0)" }
    }

    /// One figure of the admin port, without labels; nil when it is not available.
    package func metric(_ name: String) async throws -> Int? {
        guard let adminURL else { return nil }
        let request = HTTPClientRequest(url: "\(adminURL)/metrics")
        guard let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(5)),
            let body = try? await response.body.collect(upTo: 1 << 20)
        else { return nil }
        let line = String(buffer: body).split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    /// Returns once this process has committed so many events.
    package func waitUntil(accepted count: Int) async throws {
        try await eventually("\(count) events") {
            try await self.metric("broadtape_events_accepted_total") ?? 0 >= count
        }
    }

    /// A token, made by the program itself.
    package func token(_ subject: String, _ scopes: String...) async throws -> String {
        let arguments = ["token", "--subject", subject, "--jwt-secret", Self.secret]
        let record = try await Program.run(arguments + scopes.flatMap { ["--scope", $0] }, in: self.folder)
        try #require(record.status == 0, "\(record)")
        return try #require(record.lines.first)
    }

    /// Sends one request, whose answer has a status and a body.
    package func get(_ target: String, token: String? = nil) async throws -> (status: Int, body: [UInt8]) {
        var request = HTTPClientRequest(url: self.url + target)
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 24)
        return (Int(response.status.code), Array(body.readableBytesView))
    }

    /// Runs a command against this hub.
    package func run(_ arguments: String..., token: String? = nil, input: String = "") async throws -> Program.Record {
        var environment = ["BROADTAPE_URL": self.url]
        if let token { environment["BROADTAPE_TOKEN"] = token }
        return try await Program.run(arguments, environment: environment, in: self.folder, input: input)
    }

    /// Everything on one channel, oldest first.
    package func events(of channel: String, token: String) async throws -> [JSON.Value] {
        var events: [JSON.Value] = []
        while true {
            let target = "/channels/\(channel)/events?limit=1000&after=\(events.last?["seq"]?.integer(in: .seq) ?? 0)"
            let answer = try await self.get(target, token: token)
            try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
            let page = try #require(try JSON.Value.parse(answer.body)["events"]).elements.map { $0 }
            guard !page.isEmpty else { return events }
            events += page
        }
    }
}

/// Runs a body with a hub in a folder of its own, and ends it afterwards.
package func withHub(
    _ arguments: [String] = ["--jwt-secret", RunningHub.secret],
    environment: [String: String] = [:],
    _ body: (RunningHub) async throws -> Void
) async throws {
    try await withFolder { folder in
        let hub = try await RunningHub.start(in: folder, arguments, environment: environment)
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

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BroadtapeClient
import Foundation
import LoadKit
import Secrets

/// What every scenario needs: the hub, the credentials, what to measure.
struct TargetOptions: ParsableArguments {
    @Option(help: "Where the hub is, such as http://127.0.0.1:8080; several nodes with commas between them.")
    var to: String

    @Option(help: "A token for publishing and subscribing. Also taken from BROADTAPE_TOKEN.")
    var token: String?

    @Option(help: "The secret that the hub checks tokens with; tokens are made with it.")
    var jwtSecret: String?

    @Option(help: "A file with that secret.")
    var jwtSecretFile: String?

    @Option(
        help: "Process numbers of the hub, or @FILE that holds one, with commas; their CPU and memory are measured."
    )
    var pid: String?

    @Option(help: "Threads for the connections.")
    var loops = 1

    @Option(help: "Connections being made at once, per thread.")
    var atOnce = 64

    @Option(help: "How long an outage of the hub is waited for, such as 60s or 2m.")
    var patience = Time(.seconds(60))

    @Option(help: "Appends the result as one line of JSON to this file; - prints it instead of the table.")
    var report: String?

    @Flag(help: "Do not tell how far it is.")
    var quiet = false

    func validate() throws {
        try Self.check([("loops", self.loops, 64), ("at-once", self.atOnce, 10_000)])
        guard [self.token, self.jwtSecret, self.jwtSecretFile].count(where: { $0 != nil }) <= 1 else {
            throw ValidationError("Give one of --token, --jwt-secret and --jwt-secret-file.")
        }
        _ = try self.addresses()
        _ = try self.processes()
        _ = try self.access()
    }

    static func check(_ numbers: [(option: String, value: Int, limit: Int)]) throws {
        for (option, value, limit) in numbers where !(1...limit).contains(value) {
            throw ValidationError("--\(option) is from 1 to \(limit).")
        }
    }

    func target() throws -> Target {
        var target = Target(try self.addresses())
        target.access = try self.access()
        target.loops = self.loops
        target.dialLimit = self.atOnce
        target.patience = self.patience.duration
        target.processes = try self.processes()
        return target
    }

    private func addresses() throws -> [HubAddress] {
        let parts = self.to.split(separator: ",", omittingEmptySubsequences: false)
        return try parts.map { part in
            do throws(HubAddress.Invalid) {
                return try HubAddress(String(part))
            } catch {
                throw ValidationError("--to: \(error)")
            }
        }
    }

    private func processes() throws -> [ProcessReference] {
        guard let text = self.pid else { return [] }
        return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let process = ProcessReference(part) else {
                throw ValidationError("--pid is process numbers or @FILE with commas between them, not \"\(part)\".")
            }
            return process
        }
    }

    private func access() throws -> Access {
        do throws(SecretLine.Invalid) {
            if let file = self.jwtSecretFile { return .secret(TokenMaker(secret: try Secret(file: file))) }
            if let secret = self.jwtSecret { return .secret(TokenMaker(secret: try Secret(secret))) }
        } catch {
            throw ValidationError("\(self.jwtSecretFile == nil ? "--jwt-secret" : "--jwt-secret-file"): \(error)")
        }
        if let token = self.token ?? ProcessInfo.processInfo.environment["BROADTAPE_TOKEN"], !token.isEmpty {
            return .token(token)
        }
        return .anonymous
    }
}

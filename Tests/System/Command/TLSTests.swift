// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
import TestSupport
import Testing

/// The program with certificates as an operator makes them.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct TLSTests {
    private static let event = #"{"type":"rateChange","key":"A","id":"r-%","data":{"rate":"1"}}"#

    /// Makes a certificate that signs itself, for 127.0.0.1 and for clients, and its key.
    static func makeCertificate(_ name: String, in folder: TestFolder) throws {
        let command = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-out", folder.path(name + ".pem"),
            "-keyout", folder.path(name + ".key"),
        ]
        let record = try Program(command).waitUntilEnd()
        try #require(record.status == 0, "openssl could not make a certificate: \(record)")
    }

    /// Runs a body with a hub that speaks TLS.
    private static func withHub(
        _ environment: [String: String] = [:],
        _ body: (Program, TestFolder, [String: String]) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            for name in ["one", "two"] { try Self.makeCertificate(name, in: folder) }
            try Self.use("one", in: folder)
            let tls = ["BROADTAPE_TLS_CERTIFICATE": "hub.pem", "BROADTAPE_TLS_KEY": "hub.key"]
            let program = try Program(
                ["serve", "--port", "0", "--admin-port", "0", "--jwt-secret", RunningHub.secret],
                environment: environment.merging(tls) { given, _ in given },
                in: folder
            )
            let result: Result<Void, any Error>
            do {
                try await program.record.wait(for: "the hub to listen") { $0.status != nil || Self.port($0) != nil }
                let port = try #require(Self.port(program.record.value), "\(program.record.value)")
                let token = try await Program.run(
                    ["token", "--subject", "svc", "--scope", "publish:*", "--jwt-secret", RunningHub.secret],
                    in: folder
                )
                let client = [
                    "BROADTAPE_URL": "https://127.0.0.1:\(port)", "BROADTAPE_TOKEN": try #require(token.lines.first),
                ]
                try await body(program, folder, client)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            try await program.kill()
            try result.get()
        }
    }

    private static func port(_ record: Program.Record) -> Int? {
        let line = record.errors.split(separator: "\n").first { $0.hasSuffix(" listening") }
        return line?.firstMatch(of: #/address=\S*:(\d+)/#).flatMap { Int($0.1) }
    }

    /// Has the hub's files be those of a certificate.
    private static func use(_ name: String, in folder: TestFolder) throws {
        for kind in ["pem", "key"] {
            try folder.write(String(decoding: try folder.read("\(name).\(kind)"), as: UTF8.self), to: "hub.\(kind)")
        }
    }

    private static func publish(
        _ id: Int,
        in folder: TestFolder,
        _ environment: [String: String],
        _ arguments: [String] = []
    ) async throws -> Program.Record {
        let event = Self.event.replacing("%", with: "\(id)")
        return try await Program.run(["publish"] + arguments, environment: environment, in: folder, input: event + "\n")
    }

    @Test
    func everyCommandSpeaksTLSAndNewCertificatesAreTakenOnRequest() async throws {
        try await Self.withHub { program, folder, client in
            let published = try await Self.publish(1, in: folder, client, ["--ca", "one.pem"])
            #expect(published.status == 0 && published.output.contains("1 accepted"), "\(published)")
            let trusting = client.merging(["BROADTAPE_CA": "one.pem"]) { given, _ in given }
            let listed = try await Program.run(["channels"], environment: trusting, in: folder)
            #expect(listed.output.contains("rateChange:A\thead 1"), "\(listed)")
            let tail = ["tail", "rateChange:A", "--since", "0", "--count", "1"]
            let tailed = try await Program.run(tail, environment: trusting, in: folder)
            #expect(tailed.status == 0 && tailed.output.contains(#""seq":1"#), "\(tailed)")

            try Self.use("two", in: folder)
            program.signal(SIGHUP)
            try await program.record.wait(for: "the files to be read") { $0.errors.contains("files reloaded") }
            let again = try await Self.publish(2, in: folder, client, ["--ca", "two.pem"])
            #expect(again.status == 0 && again.output.contains("1 accepted"), "\(again)")

            _ = try folder.write("nothing", to: "hub.pem")
            program.signal(SIGHUP)
            try await program.record.wait(for: "the files to be refused") { $0.errors.contains("cannot be used") }
            #expect(program.record.value.errors.contains("hub.pem"))
            #expect(try await Self.publish(3, in: folder, client, ["--ca", "two.pem"]).status == 0)
            program.terminate()
            #expect(try await program.end().status == 0)
        }
    }

    @Test
    func publishingTakesACertificateWhereTheOperatorSaysSo() async throws {
        let environment = ["BROADTAPE_TLS_CLIENT_CA": "two.pem", "BROADTAPE_PUBLISHER_CERTIFICATES": "required"]
        try await Self.withHub(environment) { _, folder, client in
            let without = try await Self.publish(1, in: folder, client, ["--ca", "one.pem"])
            #expect(without.status != 0 && without.errors.contains("client certificate"), "\(without)")
            let own = ["--ca", "one.pem", "--certificate", "two.pem", "--key", "two.key"]
            let with = try await Self.publish(2, in: folder, client, own)
            #expect(with.status == 0 && with.output.contains("1 accepted"), "\(with)")
        }
    }

    @Test(arguments: [
        ("tls-certificate: a.pem\n", "set both or none"), ("tls-client-ca: a.pem\n", "no tls-certificate"),
        ("publisher-certificates: required\n", "no tls-client-ca"),
        ("tls-certificate: a.pem\ntls-key: a.key\n", "a.pem"),
        ("blocked-countries: KP\n", "no country-file"), ("country-file: none.csv\n", "none.csv"),
        ("trusted-proxies: 10.0.0.0/8 10.0.0.0/40\n", "trusted-proxies"),
        ("allowed-origins: a.example\n", "allowed-origins"),
        ("max-message-rate: many\n", "off or a whole number"), ("max-memory: 1KiB\n", "off or a size"),
        ("head-timeout: 10\n", "head-timeout"), ("publisher-certificates: yes\n", "off or required"),
    ])
    func mistakesAreNamed(_ yaml: String, _ words: String) async throws {
        try await withFolder { folder in
            let file = try folder.write(yaml, to: "hub.yaml")
            let record = try await Program.run(["check-config", "--config", file], in: folder)
            #expect(record.status == 1 && record.errors.contains(words), "\(record)")
        }
    }

    @Test
    func goodSettingsAreAccepted() async throws {
        try await withFolder { folder in
            try Self.makeCertificate("hub", in: folder)
            try folder.write("10.0.0.0/8,KP\n5.160.0.0/16,IR\n", to: "countries.csv")
            let yaml = """
                tls-certificate: hub.pem
                tls-key: hub.key
                tls-client-ca: hub.pem
                publisher-certificates: required
                head-timeout: 5s
                body-timeout: 1m
                idle-timeout: 1m
                allowed-origins: https://a.example http://localhost:3000
                trusted-proxies: 10.0.0.0/8 ::1
                country-file: countries.csv
                blocked-countries: KP IR
                max-connections-per-address: 100
                max-connections-per-user: 10
                max-message-rate: off
                max-byte-rate: off
                max-publish-rate: 5000
                max-memory: 1GiB
                """
            let file = try folder.write(yaml, to: "hub.yaml")
            let record = try await Program.run(["check-config", "--config", file], in: folder)
            #expect(record.status == 0, "\(record)")
        }
    }
}

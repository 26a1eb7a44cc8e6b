// SPDX-License-Identifier: Apache-2.0

import JSON
import Logging
import NIOCore
import NIOSSL
import Server
import TestSupport
import Testing

/// The listener with TLS, over real connections.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct TLSTests {
    private static let event = #"{"type":"rateChange","key":"A","data":{"rate":"1"}}"#

    /// A client that trusts a certificate and shows another one.
    private static func client(
        trusting trusted: TestCertificate,
        showing shown: TestCertificate? = nil
    ) throws -> TLSConfiguration {
        var client = TLSConfiguration.makeClientConfiguration()
        client.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(trusted.certificate.utf8)))
        // Tests connect to an address without a name.
        client.certificateVerification = .noHostnameVerification
        if let shown {
            client.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(shown.certificate.utf8))
                .map { .certificate($0) }
            client.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(shown.key.utf8), format: .pem))
        }
        return client
    }

    private static func with(
        _ certificate: TestCertificate = .one,
        clientAuthority: TestCertificate? = nil,
        requiresCertificates: Bool = false,
        _ body: (TestServer, ServerTLS, TLSFolder) async throws -> Void
    ) async throws {
        try await withTLSFolder { folder in
            let tls = try ServerTLS(try folder.files(certificate, clientAuthority: clientAuthority))
            var setup = Setup()
            setup.tls = tls
            setup.edge.requiresPublisherCertificates = requiresCertificates
            try await withServer(setup) { server in try await body(server, tls, folder) }
        }
    }

    /// Whether a client gets an answer.
    private static func isServed(_ server: TestServer, _ client: TLSConfiguration) async throws -> Bool {
        guard let wire = try? await server.connect(tls: client) else { return false }
        do {
            try await wire.send(Request.get("/health/live").text)
        } catch {
            return false
        }
        return (try? await wire.answer().status) == 200
    }

    @Test
    func everythingIsServedOverTLS() async throws {
        try await Self.with { server, _, _ in
            let client = try Self.client(trusting: .one)
            let socket = try await Socket.open(on: try await server.connect(tls: client))
            try await socket.expect("welcome")
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await socket.expect("subscribed")
            let wire = try await server.connect(tls: client)
            for number in 1...3 {
                try await wire.send(Request.post(Self.event, token: try await server.tokens.publisher()).text)
                #expect(try await wire.answer().status == 200)
                #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == number)
            }
            // A connection that served requests can become a WebSocket too.
            let late = try await Socket.open(on: wire)
            try await late.expect("welcome")
            try await late.send(#"{"op":"ping"}"#)
            try await late.expect("pong")
            try await socket.close()
            try await socket.expectClose(1000)
        }
    }

    @Test(arguments: [
        (TLSVersion.tlsv1, TLSVersion.tlsv11, false), (.tlsv12, .tlsv12, true), (.tlsv13, .tlsv13, true),
    ])
    func onlyPresentVersionsAreSpoken(_ least: TLSVersion, _ most: TLSVersion, _ isServed: Bool) async throws {
        try await Self.with { server, _, _ in
            var client = try Self.client(trusting: .one)
            client.minimumTLSVersion = least
            client.maximumTLSVersion = most
            #expect(try await Self.isServed(server, client) == isServed)
            #expect(try await Self.isServed(server, try Self.client(trusting: .one)))
        }
    }

    @Test
    func aPlainRequestOnTheSecurePortEndsTheConnection() async throws {
        try await Self.with { server, _, _ in
            let wire = try await server.connect()
            try await wire.send(Request.get("/health/live").text)
            try await wire.waitForEnd()
            #expect(try await Self.isServed(server, try Self.client(trusting: .one)))
        }
    }

    @Test
    func aReloadedCertificateIsShownToNewConnections() async throws {
        try await Self.with { server, tls, folder in
            let before = try await server.connect(tls: try Self.client(trusting: .one))
            _ = try folder.files(.other)
            #expect(try await Self.isServed(server, try Self.client(trusting: .one)))
            try tls.reload()
            #expect(try await Self.isServed(server, try Self.client(trusting: .other)))
            #expect(try await !Self.isServed(server, try Self.client(trusting: .one)))
            try await before.send(Request.get("/health/live").text)
            #expect(try await before.answer().status == 200)
        }
    }

    @Test
    func badFilesKeepTheOldOnesAndSayWhich() async throws {
        try await Self.with { server, tls, folder in
            try folder.write(TestCertificate.other.key, to: "hub.key")
            #expect(throws: ServerTLS.Fault.self) { try tls.reload() }
            try folder.write("nothing", to: "hub.pem")
            let fault = #expect(throws: ServerTLS.Fault.self) { try tls.reload() }
            #expect(fault?.description.contains("hub.pem") == true)
            #expect(try await Self.isServed(server, try Self.client(trusting: .one)))
        }
    }

    @Test
    func changedFilesAreReadAgainByThemselves() async throws {
        try await Self.with { server, tls, folder in
            let reloader = Reloader([tls], interval: .milliseconds(20), logger: Logger(label: "tests"))
            let (requests, request) = AsyncStream.makeStream(of: Void.self)
            // A change before it runs counts too.
            _ = try folder.files(.other)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await reloader.run(requests: requests) }
                try await eventually("the new certificate is shown") {
                    try await Self.isServed(server, try Self.client(trusting: .other))
                }
                group.cancelAll()
                request.finish()
                try await group.waitForAll()
            }
        }
    }

    @Test
    func aRequestHasUnchangedFilesReadAgain() async throws {
        let thing = Counted()
        let (requests, request) = AsyncStream.makeStream(of: Void.self)
        let reloader = Reloader([thing], interval: .seconds(1000), logger: Logger(label: "tests"))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await reloader.run(requests: requests) }
            request.yield()
            request.yield()
            request.finish()
            await group.waitForAll()
        }
        #expect(thing.reloads.value == 2)
    }

    private struct Counted: Reloading {
        let reloads = Watched(0)
        let paths: [String] = []

        func reload() throws {
            self.reloads.change { $0 += 1 }
        }
    }

    @Test
    func publishingTakesACertificateWhereTheOperatorSaysSo() async throws {
        try await Self.with(clientAuthority: .other, requiresCertificates: true) { server, _, _ in
            let token = try await server.tokens.publisher()
            let event = #"{"op":"publish","id":1,"events":[\#(Self.event)]}"#
            for (shown, isPublisher) in [(nil, false), (TestCertificate.other, true)] {
                let client = try Self.client(trusting: .one, showing: shown)
                let wire = try await server.connect(tls: client)
                try await wire.send(Request.post(Self.event, token: token).text)
                let answer = try await wire.answer()
                #expect(answer.status == (isPublisher ? 200 : 403), "\(answer.text)")
                if !isPublisher { try answer.expectProblem(403, "forbidden") }
                let late = try await Socket.open(on: wire, token: token)
                let first = try await Socket.open(on: try await server.connect(tls: client), token: token)
                for socket in [first, late] {
                    try await socket.expect("welcome")
                    try await socket.expect("authenticated")
                    try await socket.send(event)
                    if isPublisher {
                        try await socket.expect("published")
                    } else {
                        try await socket.expectError("forbidden")
                    }
                }
            }
        }
    }

    @Test
    func aCertificateOfAnotherAuthorityIsRefused() async throws {
        try await Self.with(clientAuthority: .other) { server, _, _ in
            let shown: [(certificate: TestCertificate?, isServed: Bool)] = [(.one, false), (.other, true), (nil, true)]
            for (certificate, expected) in shown {
                let isServed = try await Self.isServed(server, try Self.client(trusting: .one, showing: certificate))
                #expect(isServed == expected)
            }
        }
    }

    @Test
    func whoNeverFinishesTheHandshakeIsLeft() async throws {
        try await withTLSFolder { folder in
            var setup = Setup()
            setup.tls = try ServerTLS(try folder.files(.one))
            setup.edge.headSeconds = 1
            try await withServer(setup) { server in
                let wire = try await server.connect()
                // The beginning of a handshake record.
                try await wire.send(ByteBuffer(bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
                try await wire.waitForEnd()
                #expect(try await Self.isServed(server, try Self.client(trusting: .one)))
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Foundation
import JSON
import NIOCore
import TestSupport
import Testing
import WebSocket

@Suite(.timeLimit(.minutes(1)))
struct ConnectionTests {
    @Test func messagesFlowBothWays() async throws {
        try await Loopback.withServer { server in
            let (happenings, connection) = try await Recorder.connect(Connector(to: server.address), token: "t-1")
            var happening = happenings.makeAsyncIterator()
            let peer = try await server.accept()
            #expect(await happening.next() == .opened)
            #expect(peer.request.path == "/ws")
            #expect(peer.request.fields["authorization"] == "Bearer t-1")
            #expect(peer.request.subprotocols == ["broadtape.v1.json"])
            #expect(peer.request.host == "127.0.0.1:\(server.port)")
            peer.send("one", "two")
            #expect(await happening.next() == .text("one"))
            #expect(await happening.next() == .text("two"))
            try await connection { $0.send(Request.ping.encoded(id: 7)) }
            let message = try #require(await peer.next())
            #expect(message["op"]?.string == "ping")
            #expect(message["id"]?.integer(in: .seq) == 7)
        }
    }

    @Test func pingsAreAnswered() async throws {
        try await Loopback.withServer { server in
            let (_, connection) = try await Recorder.connect(Connector(to: server.address))
            let peer = try await server.accept()
            try await peer.ping()
            try await connection { $0.close() }
        }
    }

    @Test(arguments: [1001, 1012, 4001, 4501] as [UInt16])
    func closeOfTheHubIsTold(code: UInt16) async throws {
        try await Loopback.withServer { server in
            let (happenings, _) = try await Recorder.connect(Connector(to: server.address))
            let peer = try await server.accept()
            peer.send("last")
            peer.close(code, "why")
            let all = await happenings.reduce(into: []) { $0.append($1) }
            #expect(all == [.opened, .text("last"), .ended(.closed(code: code, reason: "why"))])
        }
    }

    @Test func lostConnectionIs1006() async throws {
        try await Loopback.withServer { server in
            let (happenings, _) = try await Recorder.connect(Connector(to: server.address))
            try await server.accept().drop()
            let all = await happenings.reduce(into: []) { $0.append($1) }
            #expect(all == [.opened, .ended(.closed(code: 1006, reason: ""))])
        }
    }

    @Test func ownCloseIsAnsweredAndTold() async throws {
        try await Loopback.withServer { server in
            let (happenings, connection) = try await Recorder.connect(Connector(to: server.address))
            var happening = happenings.makeAsyncIterator()
            let peer = try await server.accept()
            #expect(await happening.next() == .opened)
            try await connection {
                $0.close(code: 1000)
                $0.close(code: 1000)
                $0.send(ByteBuffer(string: "too late"))
            }
            #expect(await happening.next() == .ended(.closed(code: 1000, reason: "")))
            #expect(await happening.next() == nil)
            #expect(await peer.next() == nil)
        }
    }

    @Test func closeBeforeTheUpgradeEndsAtOnce() async throws {
        try await Loopback.withServer(upgrade: .silence) { server in
            let (happenings, connection) = try await Recorder.connect(Connector(to: server.address))
            try await connection { $0.close(code: 1000) }
            let all = await happenings.reduce(into: []) { $0.append($1) }
            #expect(all == [.ended(.closed(code: 1000, reason: ""))])
        }
    }

    @Test func otherAnswersThan101AreRefusals() async throws {
        let answer = "HTTP/1.1 401 Unauthorized\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
        try await Loopback.withServer(upgrade: .answer(answer)) { server in
            let (happenings, _) = try await Recorder.connect(Connector(to: server.address))
            let all = await happenings.reduce(into: []) { $0.append($1) }
            #expect(all == [.ended(.refused(status: 401, reason: "Unauthorized", retryAfter: 7))])
        }
    }

    @Test func silentServerTimesOut() async throws {
        try await Loopback.withServer(upgrade: .silence) { server in
            var connector = try Connector(to: server.address)
            connector.timeout = .milliseconds(20)
            let (happenings, _) = try await Recorder.connect(connector)
            let all = await happenings.reduce(into: []) { $0.append($1) }
            #expect(all == [.ended(.timedOut(milliseconds: 20))])
        }
    }

    @Test func nobodyListeningIsUnreachable() async throws {
        let port = try await Loopback.withServer { $0.port }
        let (happenings, _) = try await Recorder.connect(Connector(to: HubAddress("http://127.0.0.1:\(port)")))
        let all = await happenings.reduce(into: []) { $0.append($1) }
        #expect(all == [.ended(.unreachable("Connection refused"))])
    }

    @Test func largerMessagesThanTakenAreViolations() async throws {
        try await Loopback.withServer { server in
            var connector = try Connector(to: server.address)
            connector.limits.frameBytes = 10
            let (happenings, _) = try await Recorder.connect(connector)
            try await server.accept().send("12345678901")
            var last: Recorder.Happening?
            for await happening in happenings { last = happening }
            guard case .ended(.violation) = last else {
                Issue.record("\(String(describing: last))")
                return
            }
        }
    }

    @Test func messagesFlowOverTLS() async throws {
        try await Loopback.withServer(isSecure: true) { server in
            let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).pem")
            try Data(TestCertificate.one.certificate.utf8).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            let connector = try Connector(to: server.address, tls: ClientTLS(trustRoots: file.path))
            let (happenings, connection) = try await Recorder.connect(connector)
            var happening = happenings.makeAsyncIterator()
            let peer = try await server.accept()
            #expect(await happening.next() == .opened)
            peer.send("one")
            #expect(await happening.next() == .text("one"))
            try await connection { $0.close() }
            #expect(await happening.next() == .ended(.closed(code: 1000, reason: "")))
        }
    }

    @Test func strangersCertificateIsNotTrusted() async throws {
        try await Loopback.withServer(isSecure: true) { server in
            let (happenings, _) = try await Recorder.connect(Connector(to: server.address))
            let all = await happenings.reduce(into: []) { $0.append($1) }
            #expect(all == [.ended(.unreachable("the server's certificate is not trusted"))])
        }
    }

    @Test func nothingIsReadWhilePaused() async throws {
        try await Loopback.withServer { server in
            let (happenings, connection) = try await Recorder.connect(Connector(to: server.address))
            var happening = happenings.makeAsyncIterator()
            let peer = try await server.accept()
            #expect(await happening.next() == .opened)
            try await connection { $0.pause() }
            // Far more than the buffers of both kernels hold: bytes stay at the server for as long as nobody reads.
            let text = String(repeating: "x", count: 60_000)
            for _ in 0..<60 { peer.send(text) }
            #expect(try await peer.hasUnsentBytes())
            #expect(try await connection.texts == 0)
            try await connection { $0.resume() }
            for _ in 0..<60 { #expect(await happening.next() == .text(text)) }
            peer.drop()
            #expect(await happening.next() == .ended(.closed(code: 1006, reason: "")))
        }
    }
}

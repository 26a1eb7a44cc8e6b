// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import Hub
import JSON
import NIOCore
import NIOPosix
import Server
import TestSupport
import Testing
import WebSocket

/// permessage-deflate over real connections.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct CompressionTests {
    private static let padding = String(repeating: "padding ", count: 100)

    private static func rate(_ number: Int, padding: String = padding) -> String {
        #"{"type":"rateChange","key":"A","id":"r-\#(number)","data":{"rate":"\#(number)","pad":"\#(padding)"}}"#
    }

    private static func setup(takeovers: Int = 1, loops: Int = 1) -> Setup {
        var setup = Setup()
        setup.edge.compression = true
        setup.edge.takeoverConnections = takeovers
        setup.loops = loops
        return setup
    }

    private static func open(
        _ server: TestServer,
        target: String = "/ws",
        offering offer: DeflateParameters? = DeflateParameters()
    ) async throws -> Socket {
        let socket = try await Socket.open(on: try await server.connect(), target: target, offering: offer)
        try await socket.expect("welcome")
        return socket
    }

    private static func subscribe(_ socket: Socket, _ rest: String = "") async throws {
        try await socket.send(#"{"op":"subscribe","channel":"rateChange:A"\#(rest)}"#)
        try await socket.expect("subscribed")
    }

    /// Bytes that arrive until so many events have.
    private static func events(_ count: Int, from socket: Socket) async throws -> [String] {
        var texts: [String] = []
        for _ in 0..<count { texts.append(try await socket.expect("event").written) }
        return texts
    }

    @Test(
        arguments: [
            ("permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
            (
                "permessage-deflate; client_max_window_bits",
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            ),
            (
                "permessage-deflate; server_max_window_bits=12",
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
            ),
            ("permessage-deflate; server_max_window_bits=11", nil), ("permessage-deflate; foo", nil), (nil, nil),
        ] as [(String?, String?)]
    )
    func offersAreAnswered(offer: String?, answer: String?) async throws {
        try await withServer(Self.setup()) { server in
            let wire = try await server.connect()
            let fields = offer.map { [(name: "Sec-WebSocket-Extensions", value: $0)] } ?? []
            try await wire.send(Request.upgrade(fields: fields).text)
            let head = try await wire.answer()
            #expect(head.status == 101)
            #expect(head.fields["sec-websocket-extensions"] == answer)
        }
    }

    /// Everyone gets the same events, and each is compressed once for however many.
    @Test(arguments: [1, 2])
    func aMixedAudienceGetsTheSameEvents(loops: Int) async throws {
        try await withServer(Self.setup(loops: loops)) { server in
            let compression = try #require(server.compression)
            var plain: [Socket] = []
            var compressed: [Socket] = []
            for _ in 0..<4 {
                plain.append(try await Self.open(server, offering: nil))
                compressed.append(try await Self.open(server))
            }
            let own = try await Self.open(server, target: "/ws?contextTakeover=true")
            #expect(own.agreed?.serverNoContextTakeover == false)
            #expect(compressed.allSatisfy { $0.agreed?.serverNoContextTakeover == true })
            #expect(plain.allSatisfy { $0.agreed == nil })
            let sockets = plain + compressed
            for socket in sockets { try await Self.subscribe(socket) }
            let before = compression.compressions
            for number in 1...20 {
                // Short ones go as they are, in the same order.
                try await server.publish(Self.rate(number, padding: number % 4 == 0 ? "" : Self.padding))
            }
            let expected = try await Self.events(20, from: plain[0])
            for socket in sockets.dropFirst() { #expect(try await Self.events(20, from: socket) == expected) }
            #expect(compression.compressions - before == 15)

            try await Self.subscribe(own, #","since":0"#)
            #expect(try await Self.events(20, from: own) == expected)
            let late = try await Self.open(server)
            let beforeLate = compression.compressions
            try await Self.subscribe(late, #","since":5"#)
            #expect(try await Self.events(15, from: late) == Array(expected.dropFirst(5)))
            // From the ring, where they are compressed already.
            #expect(compression.compressions == beforeLate)
        }
    }

    @Test
    func nothingIsCompressedForNobody() async throws {
        try await withServer(Self.setup()) { server in
            let socket = try await Self.open(server, offering: nil)
            try await Self.subscribe(socket)
            for number in 1...5 { try await server.publish(Self.rate(number)) }
            _ = try await Self.events(5, from: socket)
            #expect(server.compression?.compressions == 0)
        }
    }

    /// Events read from the tape are compressed as well, and each page only once.
    @Test
    func replaysAreCompressed() async throws {
        var setup = Self.setup()
        setup.hub.ringBytes = 0
        try await withServer(setup) { server in
            for number in 1...50 { try await server.publish(Self.rate(number)) }
            let compressed = try await Self.open(server)
            let plain = try await Self.open(server, offering: nil)
            for socket in [compressed, plain] { try await Self.subscribe(socket, #","since":0"#) }
            #expect(try await Self.events(50, from: compressed) == Self.events(50, from: plain))
            for socket in [compressed, plain] { try await socket.expect("caughtUp") }
            #expect(server.compression?.compressions == 50)
        }
    }

    /// Messages for one connection alone are compressed for it, in order with the events of all.
    @Test
    func snapshotsAreCompressed() async throws {
        try await withServer(Self.setup()) { server in
            try await server.publish(Self.rate(1))
            let socket = try await Self.open(server)
            try await socket.send(#"{"op":"subscribe","channel":"rateChange:A"}"#)
            try await socket.expect("subscribed")
            #expect(try await socket.expect("snapshot")["seq"]?.integer(in: .seq) == 1)
            #expect(server.compression?.compressions == 1)
            try await server.publish(Self.rate(2))
            #expect(try await socket.expect("event")["seq"]?.integer(in: .seq) == 2)
        }
    }

    /// Beyond the operator's number of connections the history is not kept; it may be again when one has gone.
    @Test
    func takeoverIsBounded() async throws {
        try await withServer(Self.setup(takeovers: 2)) { server in
            let target = "/ws?token=&contextTakeover=true"
            let compression = try #require(server.compression)
            let first = try await Self.open(server, target: target)
            let second = try await Self.open(server, target: target)
            let third = try await Self.open(server, target: target)
            #expect([first, second, third].map { $0.agreed?.serverNoContextTakeover } == [false, false, true])
            #expect(compression.takeoverCount == 2)
            // Those who cannot have it do not use it up.
            var offer = DeflateParameters()
            offer.serverNoContextTakeover = true
            await first.wire.close()
            try await eventually("the connection is given up") { compression.takeoverCount == 1 }
            _ = try await Self.open(server, target: target, offering: offer)
            _ = try await Self.open(server, target: target, offering: nil)
            #expect(compression.takeoverCount == 1)
            let fourth = try await Self.open(server, target: target)
            #expect(fourth.agreed?.serverNoContextTakeover == false)
            #expect(compression.takeoverCount == 2)
        }
    }

    /// With history, even short events shrink.
    @Test
    func takeoverCompressesShortEvents() async throws {
        try await withServer(Self.setup()) { server in
            let socket = try await Self.open(server, target: "/ws?contextTakeover=true")
            try await Self.subscribe(socket)
            let before = try #require(server.compression).compressions
            for number in 1...10 { try await server.publish(Self.rate(number, padding: "")) }
            let events = try await Self.events(10, from: socket)
            #expect(events.count == 10)
            #expect(try #require(server.compression).compressions - before == 10)
        }
    }

    /// Requests may come compressed; what is wrong with them ends in the right code.
    @Test(
        arguments: [
            (ByteBuffer(bytes: [0xFF]), 1007),
            (ByteBuffer(bytes: [0x48, 0x65, 0x6C, 0x6C, 0x6F]), 1007),
        ]
    )
    func brokenDataEndTheConnection(payload: ByteBuffer, code: Int) async throws {
        try await withServer(Self.setup()) { server in
            let socket = try await Self.open(server)
            let header = FrameHeader(
                .text,
                payloadLength: payload.readableBytes,
                mask: MaskKey(0),
                reservedBits: .rsv1
            )
            try await socket.wire.send(Frame.encode(header, payload))
            try await socket.expectClose(code)
        }
    }

    @Test
    func aBombEndsInTooBig() async throws {
        try await withServer(Self.setup()) { server in
            let socket = try await Self.open(server)
            // Compressed by the test's endpoint to some 8 KB; the server's limit is 1 MiB.
            try await socket.send(String(repeating: "0", count: 8 << 20))
            try await socket.expectClose(1009)
        }
    }

    /// The project's own client.
    @Test
    func theClientOffersCompression() async throws {
        try await withServer(Self.setup()) { server in
            for number in 1...3 { try await server.publish(Self.rate(number)) }
            var connector = try Connector(to: HubAddress("ws://127.0.0.1:\(server.port)"))
            connector.offersCompression = true
            let log = Watched<[String]>([])
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let settled = connector
            let connection = try await loop.submit {
                NIOLoopBound(settled.connect(on: loop, token: nil, receiver: Log(log)), eventLoop: loop)
            }.get()
            try await log.wait(for: "the welcome") { $0.contains { $0.contains("welcome") } }
            try await loop.submit {
                connection.value.send(
                    ByteBuffer(string: #"{"op":"subscribe","channel":"rateChange:A","since":0}"#)
                )
            }.get()
            try await log.wait(for: "the events") { $0.count { $0.contains(#""op":"event""#) } == 3 }
            #expect(server.compression?.compressions == 3)
            try await loop.submit { connection.value.close() }.get()
            try await log.wait(for: "the end") { $0.last == "ended: closed 1000" }
        }
    }
}

private final class Log: ConnectionReceiver {
    private let log: Watched<[String]>

    init(_ log: Watched<[String]>) {
        self.log = log
    }

    func connectionOpened() {
        self.log.change { $0.append("opened") }
    }

    func connectionReceived(_ text: ByteBuffer) {
        self.log.change { $0.append(String(buffer: text)) }
    }

    func connectionEnded(_ ending: Ending) {
        self.log.change { log in
            switch ending {
            case .closed(let code, _): log.append("ended: closed \(code)")
            default: log.append("ended: \(ending)")
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import NIOHTTP1
import WebSocket

@testable import Server

/// What is let through to the HTTP codec, and what that makes of it: both have to see the same requests, or one could
/// be smuggled past the other.
struct RequestReading: Equatable {
    private var passed: [UInt8] = []
    private var heads = 0
    private var ends = 0
    private var fault: RequestFault?

    private init(_ pieces: [ArraySlice<UInt8>]) {
        var scanner = RequestScanner(limits: HeadLimits(bytes: 1000, fields: 12))
        for piece in pieces {
            scanner.receive(ByteBuffer(bytes: piece))
            while let event = scanner.next() {
                switch event {
                case .head(_, let bytes):
                    self.heads += 1
                    self.passed += Array(buffer: bytes)
                case .body(let bytes):
                    self.passed += Array(buffer: bytes)
                case .end:
                    self.ends += 1
                case .fault(let fault):
                    self.fault = fault
                }
            }
        }
    }

    static func check(_ bytes: ArraySlice<UInt8>, cut: Int) throws {
        let (whole, pieces) = (RequestReading([bytes]), RequestReading(bytes.pieces(cut)))
        // A body's bytes are let through as they come, so where a chunk is bad more or less of it has passed.
        try expect(whole.heads == pieces.heads && whole.ends == pieces.ends, "\(whole) in pieces \(pieces)")
        try expect(whole.fault == pieces.fault, "\(whole) in pieces \(pieces)")
        for reading in [whole, pieces] {
            try expect(bytes.starts(with: reading.passed), "what passed is not what came")
            try expect(0...1 ~= reading.heads - reading.ends, "\(reading.heads) heads, \(reading.ends) ends")
            try Self.compare(reading)
        }
    }

    private static func compare(_ reading: RequestReading) throws {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        var heads = 0
        var ends = 0
        var isFaulty = false
        do {
            try channel.writeInbound(ByteBuffer(bytes: reading.passed))
        } catch {
            isFaulty = true
        }
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head: heads += 1
            case .body: break
            case .end: ends += 1
            }
        }
        // The codec may refuse more; it must not see other requests.
        let isSame = heads == reading.heads && ends == reading.ends
        let isLess = isFaulty && heads <= reading.heads && ends <= reading.ends
        let text = String(decoding: reading.passed, as: UTF8.self).debugDescription
        try expect(isSame || isLess, "\(reading.heads)/\(reading.ends), codec \(heads)/\(ends): \(text)")
    }
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WebSocket

/// What a server makes of a client's frames.
struct FrameReading: Equatable {
    private static let limits = WebSocket.Endpoint.Limits(frameBytes: 1000, messageBytes: 3000, fragments: 20)

    private var events: [String] = []

    /// - Parameter isCompressed: Whether permessage-deflate was agreed on, with the client keeping its history.
    private init(_ pieces: [ArraySlice<UInt8>], isCompressed: Bool) throws {
        let compression =
            isCompressed
            ? WebSocket.Compression(
                WebSocket.DeflateParameters(),
                side: .server,
                pool: WebSocket.DeflatePool(),
                sizes: .init(least: 1)
            ) : nil
        var endpoint = WebSocket.Endpoint(role: .server, limits: Self.limits, compression: compression)
        var isOver = false
        for piece in pieces {
            endpoint.receive(ByteBuffer(bytes: piece))
            while let event = endpoint.next() {
                try expect(!isOver, "an event after the last")
                switch event {
                case .text(let text):
                    try expect(String(validating: text.readableBytesView, as: UTF8.self) != nil, "text is not UTF-8")
                    try self.add("text", text, limit: Self.limits.messageBytes)
                case .binary(let bytes):
                    try self.add("binary", bytes, limit: Self.limits.messageBytes)
                case .ping(let payload, _):
                    try self.add("ping", payload, limit: 125)
                case .pong(let payload):
                    try self.add("pong", payload, limit: 125)
                case .closed(let close, _):
                    isOver = true
                    self.events.append("closed \(close.code.rawValue) \(close.reason)")
                case .failed(let violation, let reply):
                    isOver = true
                    // Of a message that is too large the reason tells how far it had come.
                    self.events.append("failed \(violation.closeCode.rawValue)")
                    try expect(reply?.readableBytes ?? 0 <= 127, "a close frame of more than 125 bytes")
                }
            }
        }
        try expect((endpoint.state == .closed) == isOver, "the state is not that of the events")
    }

    private mutating func add(_ kind: String, _ payload: ByteBuffer, limit: Int) throws {
        try expect(payload.readableBytes <= limit, "\(kind) of \(payload.readableBytes) bytes")
        self.events.append("\(kind) \(Array(buffer: payload))")
    }

    static func check(_ bytes: ArraySlice<UInt8>, cut: Int, isCompressed: Bool) throws {
        let whole = try FrameReading([bytes], isCompressed: isCompressed)
        let pieces = try FrameReading(bytes.pieces(cut), isCompressed: isCompressed)
        try expect(whole == pieces, "whole: \(whole.events), in pieces: \(pieces.events)")
    }
}

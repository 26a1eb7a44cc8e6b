// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WebSocket

/// What a server makes of the first bytes of a connection.
enum HandshakeReading {
    private static let limits = WebSocket.HeadLimits(bytes: 1000, fields: 12)

    private static func outcome(of pieces: [ArraySlice<UInt8>]) throws -> String {
        var handshake = WebSocket.ServerHandshake(limits: Self.limits)
        var left = pieces[...]
        while let piece = left.popFirst() {
            switch handshake.receive(ByteBuffer(bytes: piece)) {
            case .needMore:
                continue
            case .accepted(let request, let rest):
                try expect(request.path.hasPrefix("/"), "a path without a slash")
                try expect(!request.host.isEmpty, "a request without a host")
                let after = Array(buffer: rest) + left.joined()
                return "accepted \(request) \(after)"
            case .notWebSocket(let bytes):
                // All bytes must be passed on to the HTTP codec.
                return "not a WebSocket \(Array(buffer: bytes) + left.joined())"
            case .refused(let refusal):
                try expect(400..<600 ~= refusal.status, "status \(refusal.status)")
                return "refused \(refusal)"
            }
        }
        return "incomplete"
    }

    static func check(_ bytes: ArraySlice<UInt8>, cut: Int) throws {
        let (whole, pieces) = (try Self.outcome(of: [bytes]), try Self.outcome(of: bytes.pieces(cut)))
        try expect(whole == pieces, "whole: \(whole), in pieces: \(pieces)")
    }
}

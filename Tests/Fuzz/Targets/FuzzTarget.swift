// SPDX-License-Identifier: Apache-2.0

/// Code that parses untrusted bytes; each case has an invariant that must hold for any input.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// The frames of a WebSocket.
    case frames
    /// The same with permessage-deflate.
    case deflate
    /// The head of an opening handshake.
    case handshake
    /// Requests on the way to the HTTP codec.
    case requests
    /// JSON texts.
    case json
    /// Requests to publish.
    case events
    /// Messages of clients.
    case messages
    /// Messages of outside publishers.
    case feeds
    /// What a token says, behind its signature.
    case claims
    /// Replies of Redis.
    case redis

    /// Something that must hold did not.
    package struct Fault: Error, CustomStringConvertible {
        package let description: String

        init(_ description: String) {
            self.description = description
        }
    }

    /// Reads an input and checks what must hold. The first byte says how the rest is cut into pieces, where that must
    /// make no difference.
    package func run(_ input: [UInt8]) throws {
        let (cut, bytes) = (Int(input.first ?? 0), input.dropFirst())
        switch self {
        case .frames: try FrameReading.check(bytes, cut: cut, isCompressed: false)
        case .deflate: try FrameReading.check(bytes, cut: cut, isCompressed: true)
        case .handshake: try HandshakeReading.check(bytes, cut: cut)
        case .requests: try RequestReading.check(bytes, cut: cut)
        case .json: try TextReading.checkJSON(bytes)
        case .events: try TextReading.checkEvents(bytes)
        case .messages: try TextReading.checkMessage(bytes)
        case .feeds: try ValueReading.checkFeed(bytes)
        case .claims: try ValueReading.checkClaims(bytes)
        case .redis: try RedisReading.check(bytes, cut: cut)
        }
    }
}

/// Fails unless something holds.
func expect(_ condition: Bool, _ fault: @autoclosure () -> String) throws(FuzzTarget.Fault) {
    guard condition else { throw FuzzTarget.Fault(fault()) }
}

extension ArraySlice<UInt8> {
    /// Pieces whose lengths follow from a number, so that every input has its own; one piece for zero.
    func pieces(_ cut: Int) -> [ArraySlice<UInt8>] {
        guard cut > 0 else { return [self] }
        var pieces: [ArraySlice<UInt8>] = []
        var rest = self
        var length = cut
        while !rest.isEmpty {
            length = (length * 7 + 3) % 61
            pieces.append(rest.prefix(length + 1))
            rest = rest.dropFirst(length + 1)
        }
        return pieces
    }
}

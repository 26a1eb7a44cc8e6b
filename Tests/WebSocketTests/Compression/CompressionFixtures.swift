// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import WebSocket

extension DeflateParameters {
    /// Both sides keep their history, or neither does.
    static func takeover(_ isOn: Bool, serverWindow: Int? = nil, clientWindow: Int? = nil) -> DeflateParameters {
        var parameters = DeflateParameters()
        parameters.serverNoContextTakeover = !isOn
        parameters.clientNoContextTakeover = !isOn
        parameters.serverWindow = serverWindow
        parameters.clientWindow = clientWindow.map { .limited($0) } ?? .unmentioned
        return parameters
    }
}

extension Endpoint {
    /// A server that compresses every message it can.
    static func server(_ parameters: DeflateParameters, limits: Limits = Limits(), least: Int = 1) -> Endpoint {
        let compression = Compression(parameters, side: .server, pool: DeflatePool(), sizes: .init(least: least))
        return Endpoint(role: .server, limits: limits, compression: compression)
    }

    /// A client that compresses every message it can.
    static func client(_ parameters: DeflateParameters, limits: Limits = Limits(), least: Int = 1) -> Endpoint {
        let compression = Compression(parameters, side: .client, pool: DeflatePool(), sizes: .init(least: least))
        return Endpoint(role: .client(masks: MaskGenerator(seed: 1)), limits: limits, compression: compression)
    }
}

/// Returns a message as the hub's events are.
func event(_ number: Int, padding: Int = 0) -> String {
    #"{"op":"event","channel":"rateChange:A","seq":\#(number),"id":"r-\#(number * 7919 % 1000)","#
        + #""time":"2026-01-01T00:00:00.000000Z","data":{"rate":"\#(number).25","note":"ä€😀"#
        + String(repeating: "x", count: padding) + #""}}"#
}

/// Returns this many bytes of zeros as DEFLATE data, without the tail of a flush.
func zeros(_ count: Int) -> ByteBuffer {
    guard var deflater = Deflater(windowBits: 15, level: 9) else { return ByteBuffer() }
    return deflater.compress(ByteBuffer(repeating: 0, count: count)) ?? ByteBuffer()
}

extension Optional where Wrapped: Sendable {
    /// What `#require` cannot be given where its argument changes something.
    func required(sourceLocation: SourceLocation = #_sourceLocation) throws -> Wrapped {
        try #require(self, sourceLocation: sourceLocation)
    }
}

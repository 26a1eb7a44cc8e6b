// SPDX-License-Identifier: Apache-2.0

/// One side of a connection that has agreed on permessage-deflate (RFC 7692).
package struct Compression: Sendable {
    /// The side it belongs to.
    package enum Side: Sendable {
        case server, client
    }

    package let incoming: Inflation
    package let outgoing: Deflation

    /// Creates what a side needs for the parameters agreed on.
    /// - Parameters:
    ///   - parameters: The server's answer.
    ///   - side: The side it belongs to.
    ///   - pool: Where streams are borrowed; connections that keep history have their own.
    ///   - sizes: Which messages to compress.
    package init(_ parameters: DeflateParameters, side: Side, pool: DeflatePool, sizes: Deflation.Sizes) {
        let largest = DeflateParameters.largestWindow
        let clientWindow =
            switch parameters.clientWindow {
            case .limited(let bits): bits
            case .unmentioned, .limitable: largest
            }
        let (isServer, serverKeeps, clientKeeps) = (
            side == .server, !parameters.serverNoContextTakeover, !parameters.clientNoContextTakeover
        )
        let serverWindow = parameters.serverWindow ?? largest
        incoming = Inflation(
            pool: pool,
            keepsHistory: isServer ? clientKeeps : serverKeeps,
            windowBits: isServer ? clientWindow : serverWindow
        )
        outgoing = Deflation(
            pool: pool,
            sizes: sizes,
            keepsHistory: isServer ? serverKeeps : clientKeeps,
            windowBits: isServer ? serverWindow : clientWindow
        )
    }
}

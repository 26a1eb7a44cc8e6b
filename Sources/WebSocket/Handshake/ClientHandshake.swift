// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The client's side of the opening handshake (RFC 6455 §4.1).
///
/// A deadline is for the caller: a server that never finishes its response is waited for.
package struct ClientHandshake: Sendable {
    /// What the bytes so far are.
    package enum OnBytes: Sendable, Hashable {
        /// The beginning of a response.
        case needMore
        /// The connection is open. `rest` came after the response and belongs to the ``Endpoint``.
        case accepted(Response, rest: ByteBuffer)
        /// The connection is not open; close it.
        case failed(Failure)
    }

    private enum State: Sendable {
        /// The response is incomplete. → `done`
        case reading(HeadReader)
        /// The response was validated; nothing more is read. Final.
        case done
    }

    /// What is asked for; the response is compared with it.
    private let offer: Offer
    private var state: State

    /// Creates the handshake of a new connection.
    package init(_ offer: Offer, limits: HeadLimits = HeadLimits()) {
        self.offer = offer
        state = .reading(HeadReader(limits: limits))
    }

    /// The request that opens the handshake.
    package var request: ByteBuffer { offer.request }

    /// Takes bytes of the server.
    ///
    /// After an answer other than `needMore` the handshake is over and every further call says `needMore`.
    package mutating func receive(_ bytes: ByteBuffer) -> OnBytes {
        switch state {
        case .reading(var reader):
            // Leaves `reader` the only owner of its bytes.
            state = .done
            do throws(Failure) {
                let head: HeadReader.Head?
                do throws(HeadFault) {
                    head = try reader.receive(bytes)
                } catch {
                    throw .head(error)
                }
                guard let head else {
                    state = .reading(reader)
                    return .needMore
                }
                return .accepted(try offer.judge(head, rest: reader.rest), rest: reader.rest)
            } catch {
                return .failed(error)
            }
        case .done:
            return .needMore
        }
    }
}

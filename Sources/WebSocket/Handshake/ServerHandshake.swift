// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The server's side of the opening handshake, from the first byte of a connection (RFC 6455 §4.2).
///
/// A deadline is for the caller: a client that never finishes its request is waited for.
package struct ServerHandshake: Sendable {
    /// What the bytes so far are.
    package enum OnBytes: Sendable, Hashable {
        /// The beginning of a request.
        case needMore
        /// A valid opening handshake. Answer with ``Request/accept(subprotocol:extensions:fields:)``, or refuse with
        /// ``Refusal/application(status:reason:)``. `rest` came after it and belongs to the ``Endpoint``.
        case accepted(Request, rest: ByteBuffer)
        /// A request that does not ask for WebSocket. `bytes` are all the bytes received, for an HTTP codec.
        case notWebSocket(bytes: ByteBuffer)
        /// Write ``Refusal/response`` and close the connection.
        case refused(Refusal)
    }

    private enum State: Sendable {
        /// The request is incomplete. → `done`
        case reading(HeadReader)
        /// The request was validated; nothing more is read. Final.
        case done
    }

    private var state: State

    /// Creates the handshake of a new connection.
    package init(limits: HeadLimits = HeadLimits()) {
        state = .reading(HeadReader(limits: limits))
    }

    /// Takes bytes of the client.
    ///
    /// After an answer other than `needMore` the handshake is over and every further call says `needMore`.
    package mutating func receive(_ bytes: ByteBuffer) -> OnBytes {
        switch state {
        case .reading(var reader):
            // Leaves `reader` the only owner of its bytes.
            state = .done
            do throws(HeadFault) {
                guard let head = try reader.receive(bytes) else {
                    state = .reading(reader)
                    return .needMore
                }
                return answer(to: head, reader)
            } catch {
                return .refused(.head(error))
            }
        case .done:
            return .needMore
        }
    }

    private func answer(to head: HeadReader.Head, _ reader: HeadReader) -> OnBytes {
        switch Request.validate(head) {
        case .accepted(let request): .accepted(request, rest: reader.rest)
        case .notWebSocket: .notWebSocket(bytes: reader.everything)
        case .refused(let refusal): .refused(refusal)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

extension Endpoint {
    /// Which side of the connection an endpoint is.
    package enum Role: Sendable {
        /// Sends without masks and requires them.
        case server
        /// Masks every frame with the next of these keys, and refuses masked ones.
        case client(masks: MaskGenerator)

        /// Who is on the other side.
        var peer: FrameHeaderDecoder.Sender {
            switch self {
            case .server: .client
            case .client: .server
            }
        }

        /// Returns the key for the next frame to be sent, if it needs one.
        mutating func nextMask() -> MaskKey? {
            switch self {
            case .server:
                return nil
            case .client(var masks):
                let key = masks.next()
                self = .client(masks: masks)
                return key
            }
        }
    }
}

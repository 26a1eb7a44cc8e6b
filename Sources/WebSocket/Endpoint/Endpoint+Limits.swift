// SPDX-License-Identifier: Apache-2.0

extension Endpoint {
    /// How much a peer may send before its connection is failed.
    ///
    /// Messages are held whole, so these bound memory.
    package struct Limits: Sendable, Hashable {
        /// Largest payload of one data frame, in bytes.
        ///
        /// A larger one is refused on its header.
        package var frameBytes: Int
        /// Largest message, in bytes over all its fragments.
        ///
        /// Its buffer grows in powers of two, so one connection can hold up to twice this.
        package var messageBytes: Int
        /// Largest number of frames in one message.
        ///
        /// Bounds the work empty fragments can cause.
        package var fragments: Int

        /// Creates limits; the defaults suit a server of small messages.
        package init(frameBytes: Int = 64 * 1024, messageBytes: Int = 64 * 1024, fragments: Int = 1024) {
            self.frameBytes = frameBytes
            self.messageBytes = messageBytes
            self.fragments = fragments
        }
    }
}

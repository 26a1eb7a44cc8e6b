// SPDX-License-Identifier: Apache-2.0

/// How large the head of an opening handshake may be.
package struct HeadLimits: Sendable, Hashable {
    /// Largest head in bytes, from the start line to the empty line.
    package var bytes: Int
    /// Largest number of header fields.
    package var fields: Int

    /// Creates limits; the defaults leave room for large cookies and tokens.
    package init(bytes: Int = 8 * 1024, fields: Int = 64) {
        self.bytes = bytes
        self.fields = fields
    }
}

// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A client's own name for a request, a number or a string, returned as it was written.
package struct RequestID: Sendable, Equatable {
    /// Longest accepted, in bytes of JSON text.
    package static let maxLength = 128

    /// The JSON text.
    package let text: [UInt8]

    /// Nil when the value is neither a number nor a string, or too long.
    package init?(_ value: JSON.Value) {
        guard value.kind == .number || value.kind == .string, value.text.count <= Self.maxLength else { return nil }
        self.text = Array(value.text)
    }
}

// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A request id chosen by the client: a number or a string, returned exactly as it was sent.
package struct RequestID: Sendable, Equatable {
    /// Maximum length, in bytes of JSON text.
    package static let maxLength = 128

    /// The JSON text.
    package let text: [UInt8]

    /// Nil if the value is neither a number nor a string, or is too long.
    package init?(_ value: JSON.Value) {
        guard value.kind == .number || value.kind == .string, value.text.count <= Self.maxLength else { return nil }
        self.text = Array(value.text)
    }
}

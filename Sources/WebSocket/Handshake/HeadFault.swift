// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not the head of an HTTP/1.1 message, or not one that is accepted.
package enum HeadFault: Error, Hashable {
    /// The head exceeds ``HeadLimits/bytes``.
    case tooLarge(limit: Int)
    /// More fields than ``HeadLimits/fields``.
    case tooManyFields(limit: Int)
    /// A CR without LF or an LF without CR.
    case bareLineBreak
    /// A byte no head may have, as of a TLS record sent to a plain port.
    case controlCharacter(UInt8)
    /// A line that continues the one before it.
    case foldedField
    /// A header line without a colon or with a name that is not a token.
    case malformedField(number: Int)
}

extension HeadFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let limit): "head exceeds \(limit) bytes"
        case .tooManyFields(let limit): "more than \(limit) header fields"
        case .bareLineBreak: "line does not end with CR LF"
        case .controlCharacter(let byte): "control character 0x\(String(byte, radix: 16)) in the head"
        case .foldedField: "folded header line"
        case .malformedField(let number): "header line \(number) is malformed"
        }
    }
}

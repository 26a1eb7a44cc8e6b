// SPDX-License-Identifier: Apache-2.0

import Testing

/// A text of the corpus.
struct Sample: Sendable, CustomTestStringConvertible {
    let bytes: [UInt8]
    /// Whether Foundation must come to the same verdict. False where it is laxer, or has limits of its own.
    let isAgreed: Bool

    init(_ bytes: [UInt8], isAgreed: Bool = true) {
        self.bytes = bytes
        self.isAgreed = isAgreed
    }

    var testDescription: String {
        String(decoding: bytes.prefix(60), as: UTF8.self).debugDescription
    }
}

extension Sample: ExpressibleByStringLiteral {
    init(stringLiteral text: String) {
        self.init(Array(text.utf8))
    }

    /// A text on which Foundation may differ.
    static func ours(_ text: String) -> Sample {
        Sample(Array(text.utf8), isAgreed: false)
    }

    /// A string whose inside is the bytes.
    static func quoted(_ content: UInt8..., isAgreed: Bool = true) -> Sample {
        Sample([0x22] + content + [0x22], isAgreed: isAgreed)
    }

    static let event: [UInt8] = Array(
        #"""
        {"type":"transactionUpdate","keys":["u_42","u_77"],"id":"tx-9001:completed","source":"payments","data":{"userId":"u_42","amount":"12.50","currency":"USD","type":"p2p","status":"completed"}}
        """#.utf8
    )

    /// A document with every kind of token, escapes, scalars of every length and whitespace.
    static let document: [UInt8] = Array(
        #"""
        { "null" : null, "yes":true ,"no": false,"numbers":[0,-0, -12.50e+3 ,1E-7,123456789012345678901234567890],
        	"text":"a\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00 é€😀","":{},"nested":[[],[{"a":[1]}]] }
        """#.utf8
    )
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore

extension ByteBuffer {
    /// Creates the head of an HTTP message.
    init(startLine: String, fields: [(name: String, value: String)]) {
        self.init()
        writeString("\(startLine)\r\n")
        for (name, value) in fields {
            writeSafe(name)
            writeString(": ")
            writeSafe(value)
            writeString("\r\n")
        }
        writeString("\r\n")
    }

    /// Writes a text without what could end the line, so that no value can add fields of its own.
    private mutating func writeSafe(_ text: String) {
        if text.utf8.contains(where: Self.isControl) {
            writeBytes(text.utf8.map { Self.isControl($0) ? UInt8(ascii: " ") : $0 })
        } else {
            writeString(text)
        }
    }

    private static func isControl(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == 0x7F
    }
}

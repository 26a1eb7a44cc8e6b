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
        writeBytes(text.utf8.lazy.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 })
    }
}

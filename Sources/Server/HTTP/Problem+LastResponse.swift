// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

extension Problem {
    /// The response as an HTTP/1.1 message that closes the connection, for errors before there is a request for the
    /// API.
    var lastResponse: ByteBuffer {
        let json = self.json
        var fields = self.fields
        fields[.connection] = "close"
        fields[.contentLength] = String(json.count)
        var text = "HTTP/1.1 \(self.status.code) \(self.status.reasonPhrase)\r\n"
        for field in fields { text += "\(field.name): \(field.value)\r\n" }
        var bytes = ByteBuffer(string: text + "\r\n")
        bytes.writeBytes(json)
        return bytes
    }
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Collects the head of an HTTP/1.1 message and takes it apart.
struct HeadReader: Sendable {
    /// A head taken apart.
    struct Head: Sendable, Hashable {
        let startLine: String
        let fields: HeaderFields
    }

    private var scanner: HeadScanner
    private var bytes = ByteBuffer()
    /// Where the head starts in `bytes`, which may be a slice that was read from before.
    private var start = 0

    init(limits: HeadLimits) {
        self.scanner = HeadScanner(limits: limits)
    }

    /// Takes bytes of the peer.
    ///
    /// Returns the head once it is there, and ``rest`` then holds what came after it.
    mutating func receive(_ more: consuming ByteBuffer) throws(HeadFault) -> Head? {
        if bytes.readableBytes == 0 {
            bytes = more
            start = bytes.readerIndex
        } else {
            bytes.writeBuffer(&more)
        }
        var scanner = scanner
        guard let length = try scanner.scan(bytes.readableBytesUInt8Span) else {
            self.scanner = scanner
            return nil
        }
        let head = try Head(bytes.readableBytesUInt8Span.extracting(0..<length))
        bytes.moveReaderIndex(forwardBy: length)
        return head
    }

    /// The bytes that came after the head.
    var rest: ByteBuffer { bytes.slice() }

    /// All bytes received, the head included.
    var everything: ByteBuffer {
        var everything = bytes
        everything.moveReaderIndex(to: start)
        return everything
    }
}

extension HeadReader.Head {
    /// Takes a head apart that a ``HeadScanner`` has validated.
    init(_ bytes: Span<UInt8>) throws(HeadFault) {
        var index = 0
        let startLine = bytes.headLine(from: &index)
        var fields: [HeaderFields.Field] = []
        while true {
            let line = bytes.headLine(from: &index)
            guard !line.isEmpty else { break }
            guard let (name, value) = bytes.headerField(in: line) else {
                throw .malformedField(number: fields.count + 1)
            }
            fields.append(
                HeaderFields.Field(name: bytes.text(in: name).lowercased(), value: bytes.text(in: value))
            )
        }
        self.init(startLine: bytes.text(in: startLine), fields: HeaderFields(fields))
    }
}

// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL

/// The names in a file of certificates, as a client checks them.
package struct CertificateNames: Sendable, Equatable {
    /// DNS names and addresses of the first certificate.
    package let hosts: [String]
    /// Whether the last certificate is issued by nobody else, so that clients have to be given it.
    package let isSelfIssued: Bool

    /// Reads a PEM file.
    package init(_ path: String) throws {
        let chain = try NIOSSLCertificate.fromPEMFile(path)
        self.hosts =
            chain.first?._subjectAlternativeNames().compactMap { name -> String? in
                let contents = Array(name.contents)
                return switch name.nameType {
                case .dnsName: String(decoding: contents, as: UTF8.self)
                case .ipAddress: try? SocketAddress(packedIPAddress: ByteBuffer(bytes: contents), port: 0).ipAddress
                default: nil
                }
            } ?? []
        self.isSelfIssued = try chain.last.map { Self.isSelfIssued(try $0.toDERBytes()) } ?? false
    }

    /// Whether issuer and subject are the same (RFC 5280 §4.1).
    private static func isSelfIssued(_ certificate: [UInt8]) -> Bool {
        guard let content = Self.elements(of: certificate[...]).first.map(Self.content),
            let signed = Self.elements(of: content).first.map(Self.content)
        else { return false }
        // The version is optional; then come number, algorithm, issuer, validity, subject.
        let fields = Self.elements(of: signed).drop { $0.first == 0xA0 }.prefix(5).map { $0 }
        return fields.count == 5 && fields[2] == fields[4]
    }

    /// The elements of a sequence in DER, each with its head; those before the first that is malformed.
    private static func elements(of bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var elements: [ArraySlice<UInt8>] = []
        var rest = bytes
        while let head = Self.head(of: rest), rest.count >= head.bytes, rest.count - head.bytes >= head.content {
            elements.append(rest.prefix(head.bytes + head.content))
            rest = rest.dropFirst(head.bytes + head.content)
        }
        return elements
    }

    private static func content(of element: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        element.dropFirst(Self.head(of: element)?.bytes ?? 0)
    }

    /// The size of the head, and of the content behind it.
    private static func head(of element: ArraySlice<UInt8>) -> (bytes: Int, content: Int)? {
        guard let byte = element.dropFirst().first else { return nil }
        guard byte >= 0x80 else { return (2, Int(byte)) }
        let count = Int(byte & 0x7F)
        let digits = element.dropFirst(2).prefix(count)
        guard digits.count == count, (1...3).contains(count) else { return nil }
        return (2 + count, digits.reduce(0) { size, digit in size << 8 | Int(digit) })
    }
}

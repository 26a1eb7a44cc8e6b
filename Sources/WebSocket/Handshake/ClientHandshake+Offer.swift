// SPDX-License-Identifier: Apache-2.0

import NIOCore

extension ClientHandshake {
    /// What a client asks for.
    package struct Offer: Sendable {
        /// The server's name, and its port if it is not the default of the scheme.
        package var host: String
        /// Path and query; starts with a slash.
        package var target: String
        /// 16 bytes, random for each connection.
        package var nonce: Nonce
        /// Subprotocols in order of preference.
        package var subprotocols: [String]
        /// Elements of `Sec-WebSocket-Extensions` in order of preference.
        package var extensions: [String]
        /// Further header fields, as `Authorization`.
        package var fields: [(name: String, value: String)]

        /// Creates an offer.
        package init(
            host: String,
            target: String = "/",
            nonce: Nonce,
            subprotocols: [String] = [],
            extensions: [String] = [],
            fields: [(name: String, value: String)] = []
        ) {
            self.host = host
            self.target = target
            self.nonce = nonce
            self.subprotocols = subprotocols
            self.extensions = extensions
            self.fields = fields
        }

        var request: ByteBuffer {
            var all: [(name: String, value: String)] = [
                ("Host", host), ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", nonce.key),
                ("Sec-WebSocket-Version", "13"),
            ]
            if !subprotocols.isEmpty {
                all.append(("Sec-WebSocket-Protocol", subprotocols.joined(separator: ", ")))
            }
            if !extensions.isEmpty {
                all.append(("Sec-WebSocket-Extensions", extensions.joined(separator: ", ")))
            }
            return ByteBuffer(startLine: "GET \(target) HTTP/1.1", fields: all + fields)
        }

        /// Validates a response by the six rules at the end of RFC 6455 §4.1.
        func judge(_ head: HeadReader.Head, rest: ByteBuffer) throws(Failure) -> Response {
            guard let (status, reason) = Self.status(head.startLine) else { throw .malformedStatusLine }
            let fields = head.fields
            guard status == 101 else {
                throw .rejected(status: status, reason: reason, fields: fields, body: rest)
            }
            guard try single("upgrade", in: fields)?.lowercased() == "websocket" else { throw .upgrade }
            guard fields.list("connection", contains: "upgrade") else { throw .connection }
            guard try single("sec-websocket-accept", in: fields) == AcceptKey.answer(to: nonce.key) else {
                throw .acceptKey
            }
            let subprotocol = try single("sec-websocket-protocol", in: fields)
            if let subprotocol, !subprotocols.contains(subprotocol) {
                throw .subprotocol(subprotocol)
            }
            guard let agreed = ExtensionOffer.parse(fields.values("sec-websocket-extensions")) else {
                throw .malformed(field: "sec-websocket-extensions")
            }
            let offered = Set((ExtensionOffer.parse(extensions) ?? []).map(\.name))
            for agreed in agreed where !offered.contains(agreed.name) {
                throw .extension(agreed.name)
            }
            return Response(fields: fields, subprotocol: subprotocol, extensions: agreed)
        }

        private static func status(_ line: String) -> (status: Int, reason: String)? {
            let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count >= 2, HeadVersion(parts[0]) == .oneDotOne else { return nil }
            let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
            guard parts[1].utf8.count == 3, parts[1].utf8.allSatisfy(digits.contains), let status = Int(parts[1]) else {
                return nil
            }
            return (status, parts.count == 3 ? String(parts[2]) : "")
        }

        private func single(_ name: String, in fields: HeaderFields) throws(Failure) -> String? {
            guard fields.count(name) <= 1 else { throw .repeated(field: name) }
            return fields[name]
        }
    }

    /// A server's valid answer.
    package struct Response: Sendable, Hashable {
        /// Every header field.
        package let fields: HeaderFields
        /// The subprotocol the server chose, one of those offered.
        package let subprotocol: String?
        /// The extensions the server agreed to, among those offered.
        ///
        /// Their parameters are for the caller to validate.
        package let extensions: [ExtensionOffer]
    }
}

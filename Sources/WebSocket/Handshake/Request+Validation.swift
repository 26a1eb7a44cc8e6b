// SPDX-License-Identifier: Apache-2.0

extension Request {
    /// What a request is.
    package enum OnHead: Sendable, Hashable {
        /// A valid opening handshake.
        case accepted(Request)
        /// A request that does not ask for WebSocket.
        case notWebSocket
        /// A request that asks for WebSocket in a way that must be refused.
        case refused(Refusal)
    }

    /// Validates the head of a request by the rules of RFC 6455 §4.2.1.
    /// - Parameter head: Validated by a ``HeadScanner``.
    package static func validate(head: Span<UInt8>) -> OnHead {
        do throws(HeadFault) {
            return validate(try HeadReader.Head(head))
        } catch {
            return .refused(.head(error))
        }
    }

    static func validate(_ head: HeadReader.Head) -> OnHead {
        let parts = head.startLine.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isToken, !parts[1].isEmpty, let version = HeadVersion(parts[2]) else {
            return .refused(.malformedRequestLine)
        }
        return validate(
            method: String(parts[0]),
            target: String(parts[1]),
            version: version,
            fields: head.fields
        )
    }

    /// Validates a request that was taken apart.
    ///
    /// - Parameters:
    ///   - method: As sent; methods are case-sensitive.
    ///   - target: The request target, as `/path?query`.
    ///   - version: The version of HTTP the request came in.
    ///   - fields: Every header field including `Host`, one element per line, values not joined.
    /// - Returns: What the request is.
    static func validate(
        method: String,
        target: String,
        version: HeadVersion = .oneDotOne,
        fields: HeaderFields
    ) -> OnHead {
        guard fields.list("upgrade", contains: "websocket") else { return .notWebSocket }
        do throws(Refusal) {
            return .accepted(try Request(method: method, target: target, version: version, fields: fields))
        } catch {
            return .refused(error)
        }
    }

    private init(method: String, target: String, version: HeadVersion, fields: HeaderFields) throws(Refusal) {
        switch version {
        case .oneDotOne: break
        case .other: throw .httpVersion
        }
        guard method == "GET" else { throw .method }
        let host = try Self.single("Host", in: fields)
        guard host.isHost else { throw .malformed(field: "Host") }
        guard fields.list("connection", contains: "upgrade") else {
            throw fields.count("connection") == 0 ? .missing(field: "Connection") : .malformed(field: "Connection")
        }
        guard try Self.single("Sec-WebSocket-Version", in: fields) == "13" else { throw .protocolVersion }
        let key = try Self.single("Sec-WebSocket-Key", in: fields)
        guard Base64.isSixteenBytes(key) else { throw .malformed(field: "Sec-WebSocket-Key") }
        guard fields.count("origin") <= 1 else { throw .repeated(field: "Origin") }
        guard fields.count("authorization") <= 1 else { throw .repeated(field: "Authorization") }
        // The bytes after the head are frames; a body there could be read as frames by one side only.
        guard fields.count("transfer-encoding") == 0 else { throw .body }
        guard fields.values("content-length").allSatisfy({ $0 == "0" }) else { throw .body }
        guard let (path, query) = Self.resource(target) else { throw .malformedTarget }
        let subprotocols = fields.list("sec-websocket-protocol")
        // RFC 6455 §4.1 item 10: the elements "MUST all be unique strings"
        guard subprotocols.allSatisfy(\.isToken),
            subprotocols.count < 2 || Set(subprotocols).count == subprotocols.count
        else {
            throw .malformed(field: "Sec-WebSocket-Protocol")
        }
        guard let extensions = ExtensionOffer.parse(fields.values("sec-websocket-extensions")) else {
            throw .malformed(field: "Sec-WebSocket-Extensions")
        }
        self.init(
            path: path,
            query: query,
            fields: fields,
            host: host,
            key: key,
            subprotocols: subprotocols.map(String.init),
            extensions: extensions
        )
    }

    private static func single(_ name: String, in fields: HeaderFields) throws(Refusal) -> String {
        let values = fields.values(name)
        guard let value = values.first else { throw .missing(field: name) }
        guard values.count == 1 else { throw .repeated(field: name) }
        return value
    }

    /// Splits a target into path and query.
    ///
    /// An absolute URI is a target too (RFC 6455 §4.2.1 item 1).
    private static func resource(_ target: String) -> (path: String, query: String?)? {
        // A fragment has no meaning in a WebSocket URI (RFC 6455 §3).
        guard target.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "#") }) else { return nil }
        var rest = target[...]
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count).drop { $0 != "/" && $0 != "?" }
            if !rest.hasPrefix("/") {
                rest = "/" + rest
            }
        }
        guard rest.hasPrefix("/") else { return nil }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count == 2 ? String(parts[1]) : nil)
    }
}

extension String {
    /// Whether the text can be a host and port.
    ///
    /// Says nothing about whether it is the right one.
    fileprivate var isHost: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "("), UInt8(ascii: ")"),
                    UInt8(ascii: ";"), UInt8(ascii: "="):
                    true
                default:
                    byte.isTokenCharacter
                }
            }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Hub
import JWTKit
import Server

/// Somebody who signs tokens with a key of one kind, and publishes it.
struct Issuer: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        case rsa = "RS256"
        case ecdsa = "ES256"
        case edDSA = "EdDSA"
    }

    let kind: Kind
    let id: String?
    /// The public key in PEM.
    let pem: String
    /// The public key as an element of a JSON Web Key Set.
    let jwk: String
    private let keys: JWTKeyCollection

    init(_ kind: Kind, id: String?) async throws {
        let keys = JWTKeyCollection()
        let name = id.map { #","kid":"\#($0)""# } ?? ""
        switch kind {
        case .rsa:
            let key = try JWTKit.Insecure.RSA.PrivateKey(pem: Self.rsaKey)
            let (modulus, exponent) = try key.publicKey.getKeyPrimitives()
            await keys.add(rsa: key, digestAlgorithm: .sha256)
            self.pem = key.publicKey.pemRepresentation
            self.jwk = #"{"kty":"RSA","use":"sig","n":"\#(Self.text(modulus))","e":"\#(Self.text(exponent))"\#(name)}"#
        case .ecdsa:
            let key = P256.Signing.PrivateKey()
            await keys.add(ecdsa: try ES256PrivateKey(backing: key))
            let raw = key.publicKey.rawRepresentation
            self.pem = key.publicKey.pemRepresentation
            self.jwk =
                #"{"kty":"EC","crv":"P-256","x":"\#(Self.text(raw.prefix(32)))","y":"\#(Self.text(raw.suffix(32)))"\#(name)}"#
        case .edDSA:
            let key = Curve25519.Signing.PrivateKey()
            await keys.add(eddsa: EdDSA.PrivateKey(backing: key))
            // SubjectPublicKeyInfo (RFC 8410 §4): a fixed head, then the key.
            let head: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
            let text = (Data(head) + key.publicKey.rawRepresentation).base64EncodedString()
            self.pem = "-----BEGIN PUBLIC KEY-----\n\(text)\n-----END PUBLIC KEY-----\n"
            self.jwk =
                #"{"kty":"OKP","crv":"Ed25519","x":"\#(Self.text(key.publicKey.rawRepresentation))","alg":"EdDSA"\#(name)}"#
        }
        self.kind = kind
        self.id = id
        self.keys = keys
    }

    /// A token of a user, with its `kid` by default.
    func token(_ subject: String = "u_42", claims: Claims? = nil, id: String?? = nil) async throws -> String {
        var header = JWTHeader()
        if let id = id ?? self.id { header.kid = id }
        return try await self.keys.sign(claims ?? Claims(sub: subject, exp: nil, scope: nil), header: header)
    }

    /// A set of several issuers.
    static func set(_ issuers: Issuer..., more: [String] = []) -> [UInt8] {
        Array(#"{"keys":[\#((issuers.map(\.jwk) + more).joined(separator: ","))]}"#.utf8)
    }

    static func text(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Of the tests only; to make one takes long.
    private static let rsaKey = """
        -----BEGIN PRIVATE KEY-----
        MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDKPik0seSd2+dw
        ia81jypYf96yBkChtTDaddUDAlCz8lsoo/H0I0ZWJPK8gwRRPSeKzBfhdO5Qvnzq
        qedhKsGnzT6iRAVQQP5M39e+mjtqCFzMTw2jQG1ZFH2ywpVOtYxEa73RLSHBujRS
        KKa+h4SVfcLDfJU4FvPLp/vF5pBBg3nKxBBlLCvtKYAMb3LXWu245EiZvKo8adE1
        3CWSlbjSGqpzCfpzFi41thSnUzSxThrWd30ek3WO331g3Bx7o5iZPfYgzavGAFYK
        GUJMoQxFsl+U1JTjkhQn7zIAuFeJUq4er9Ojug0Zi9xFqbMkFWeh6UFdqsWXx5TP
        QMho+iAfAgMBAAECggEAD/lt9sgQVzmt47E0YiYfQaND+0rMIxm1NKQ3AYhWyIfd
        lG2yqEZ7AUXk2Gf+2M3cSDXLsxax1jXdlwl5ia6/YhovltCJnOetTnQlzdvP0pW7
        grXBzYHCwVUBgrOk6HUlkafy88k9T9h91nl4hjcdDVPEJP27qZUCh7UKiXynK01r
        xPgLJPs9EYtLUOi5RuYDN93vdQILWyoAPfPFg3+LBU+QxLMqIKZmnK1NNUrpQcxB
        HhZ8bQyXVVCTc0Ptv4nTiLbZjLxLnmbj+ODWwAy/mggFD16qcbS/aqVjoBVKezlc
        rZ88RD5r7DTHiBezpIgjTk/l03i09JiAnNx9B/ckpQKBgQDqMLQ7IGE7oF9m1eXt
        HOW2hS5K0mnSmKQeU9JovsI6isjzlkh5m5HHGzlGG1Nzx9wz8pI+6l9KMScWKqAX
        W1vrGYce/s5CEryd25Wj5ws1PES4Z5z4v6kqfhwMRLzTTVPKpQt+zETi6rSov0oD
        SnYpnJ1lCWPFaATj0jJdqNeEkwKBgQDdE82CYdQC1NH3+D9hmJFAHBbB3hjjf5qB
        TrA6IZcVfgLnr28x+LMZboO8cSO0UMEbax9/2kuK15rXVR/nlCwgzKu5jhAcZLsP
        Dz5gXKissK040yywkjuYHllBAnvSi2Cjx2NnSgJZNSko8rEaCqReamuUKDyYHq0Y
        IdIQOg5ZxQKBgC7rNxCpehGCHdrye7A3m+YnZJDk+wKQRkE1NfB6V1t3Nq9mqnqC
        qoAjeiQLkXqezgUyUg580j6A/n24aH6FdTLy2FljX1tpeZR+y8ocneg6fOIdEBvd
        +jxjK6dhlhsXYPQ2gMkUj7COqUctm9xw7J+FmxsE+JIyNtiV4jVVgGg1AoGBAI8G
        g7spTT8zrk+NtHuQd9ARHAv6gwGTiULExLAnERafeoOndPnQWxZF8EZWr/G1GOmD
        KVLOyHafvBY5hTWOH+psX2Dhbrzf0kEQ7Jrs91cZykdsH4pwYMuuPrIXSEJTV4c9
        tKqbL9/Ey8cpE7i0T9ihYs3sJh+IIRXus3c6CBS9AoGAEvxWS5w/VMm1rjanLPb1
        PYHyqFKsXMaKA4Pb5QYb0Sa4W5RgLaDLxnjZBptkA9aXFSOiQDaFfIsh2jIQRdXn
        FzZttU3aDvfGrLmpUcB7B6MJnCarRyTRIeCwELQMO5KQH1oMWJs5itP5plGnQ8gT
        volVFpindfCN9M0e5b3eP3A=
        -----END PRIVATE KEY-----
        """

    /// Of the same key.
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIDATCCAemgAwIBAgIUXya6YACugd1vmAHG+XnNVM0kNLkwDQYJKoZIhvcNAQEL
        BQAwDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjExNzUwMzNaGA8yMTI2MTAyODE3
        NTAzM1owDzENMAsGA1UEAwwEdGVzdDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCC
        AQoCggEBAMo+KTSx5J3b53CJrzWPKlh/3rIGQKG1MNp11QMCULPyWyij8fQjRlYk
        8ryDBFE9J4rMF+F07lC+fOqp52EqwafNPqJEBVBA/kzf176aO2oIXMxPDaNAbVkU
        fbLClU61jERrvdEtIcG6NFIopr6HhJV9wsN8lTgW88un+8XmkEGDecrEEGUsK+0p
        gAxvctda7bjkSJm8qjxp0TXcJZKVuNIaqnMJ+nMWLjW2FKdTNLFOGtZ3fR6TdY7f
        fWDcHHujmJk99iDNq8YAVgoZQkyhDEWyX5TUlOOSFCfvMgC4V4lSrh6v06O6DRmL
        3EWpsyQVZ6HpQV2qxZfHlM9AyGj6IB8CAwEAAaNTMFEwHQYDVR0OBBYEFLqNBN/2
        OHPhEXs+PWyXMIPk+HdPMB8GA1UdIwQYMBaAFLqNBN/2OHPhEXs+PWyXMIPk+HdP
        MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAGWpX96U6pwxEHkA
        +B+qprO3yCEsvsddkixzNpOKwEaGZrXZoi4OXLd5ft6/qQOLh83LCGd3Lu24+YQi
        4j9xxaLxATSqHbDreuh4H4Q1FlGEofdfYmtHxXoiicFfrM7yEKODvGsxd9dnUuw3
        mroebtI50a43KaziMd2EVvAFJ84d7otP40DXCZjEiBBMuGE5ew7tqVcnfjjF/Bks
        OQL2kx4rbgcHdXkvNep44YgSswUIJ3PHmqEpo7h8+X4GNvaRuGz31mJw5N2R5eJZ
        Kk6FzU/huqp10oZ/DnbZ659cYMsMoMf+pS3W7Z56pQ+pTeImaHY9V/r0KqqHarLN
        slAvhZs=
        -----END CERTIFICATE-----
        """

    /// The key below in a set.
    static let smallJWK =
        #"{"kty":"RSA","e":"AQAB","kid":"small","n":"wpNJZ9CkO8Zt2St-iRLWAZojDxrtnzCfv398HRwzEDV1hFgmjlsYBjm_ZH7n"#
        + #"saJ2EOyfyDlXmA26p6B7LvE26lo1rVNxWRbg4Srd7lYGA-zH5lTYk06TiuZek9dwO-YnK-vDUpMtDUB6Sr-KEZ_TFdea4AIPPEX62LvnR60bMfE"}"#

    /// A public key of 1024 bits.
    static let smallKey = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCk0ln0KQ7xm3ZK36JEtYBmiMP
        Gu2fMJ+/f3wdHDMQNXWEWCaOWxgGOb9kfuexonYQ7J/IOVeYDbqnoHsu8TbqWjWt
        U3FZFuDhKt3uVgYD7MfmVNiTTpOK5l6T13A75icr68NSky0NQHpKv4oRn9MV15rg
        Ag88RfrYu+dHrRsx8QIDAQAB
        -----END PUBLIC KEY-----
        """
}

extension TokenKeys {
    /// Who a token belongs to, once its key is there.
    func subject(_ token: String) async throws -> String {
        try await self.verify(token).subject
    }
}

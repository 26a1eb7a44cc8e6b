// SPDX-License-Identifier: Apache-2.0

import JSON
import SafeText

/// Address and credentials of a Redis server.
///
/// `redis://[[user]:password@]host[:port][/database]`, `rediss://` the same over TLS, with `?ca=FILE` for certificates
/// to trust instead of the system's; `redis+unix://[[user]:password@]/path/to/socket[?db=database]`. Special characters
/// are percent-encoded. Descriptions and errors never contain the password.
package struct RedisAddress: Sendable, Equatable {
    /// Why a text is not the address of a Redis server, without the password.
    package struct Invalid: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
    }

    package enum Place: Sendable, Equatable {
        /// `host` is a name or an IP address, without brackets.
        case tcp(host: String, port: Int)
        /// Path of a socket.
        case unix(String)
    }

    package static let defaultPort = 6379

    package let place: Place
    package let isSecure: Bool
    /// The ACL user; nil is Redis' default user.
    package let user: String?
    package var password: RedisPassword?
    /// Number of the database; pub/sub ignores it.
    package let database: Int
    /// PEM file of trusted certificates; nil uses the system's.
    package let trustRoots: String?

    package init(_ text: String) throws(Invalid) {
        func invalid(_ reason: String) -> Invalid {
            Invalid(
                description:
                    "\"\(Redaction.address(text).prefix(200))\" is not the address of a Redis server: \(reason)"
            )
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw invalid("it has blanks or control characters; write them percent-encoded")
        }
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
            throw invalid("it has no scheme; write it like redis://127.0.0.1:6379")
        }
        let isUnix: Bool
        switch text[..<colon].lowercased() {
        case "redis": (self.isSecure, isUnix) = (false, false)
        case "rediss": (self.isSecure, isUnix) = (true, false)
        case "redis+unix", "unix": (self.isSecure, isUnix) = (false, true)
        case let scheme: throw invalid("the scheme is \(scheme); there are redis, rediss and redis+unix")
        }
        let rest = text[colon...].dropFirst(3)
        guard !rest.contains("#") else { throw invalid("it has a fragment; write # as %23") }
        let question = rest.firstIndex(of: "?") ?? rest.endIndex
        let slash = rest[..<question].firstIndex(of: "/") ?? question
        let (authority, path) = (rest[..<slash], rest[slash..<question])
        let options: Options
        do throws(Invalid) {
            options = try Options(rest[question...].dropFirst())
            (self.user, self.password) = try Self.credentials(authority)
        } catch {
            throw invalid(error.description)
        }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        if isUnix {
            guard host.isEmpty else {
                throw invalid("a socket has no host; write it like redis+unix:///run/redis.sock")
            }
            guard path.count > 1, let socket = Self.decoded(path) else { throw invalid("it has no path of a socket") }
            self.place = .unix(socket)
            self.database = options.database ?? 0
        } else {
            do throws(Invalid) {
                self.place = try Self.tcp(host)
                let named = try Self.database(path.dropFirst())
                self.database = options.database ?? named
            } catch {
                throw invalid(error.description)
            }
        }
        guard self.isSecure || options.trustRoots == nil else {
            throw invalid("it has certificates to trust but no TLS; write rediss://")
        }
        self.trustRoots = options.trustRoots
    }

    /// The options after the question mark.
    private struct Options {
        var database: Int?
        var trustRoots: String?

        init(_ query: Substring) throws(Invalid) {
            for option in query.split(separator: "&", omittingEmptySubsequences: true) {
                let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                switch parts[0] {
                case "db":
                    self.database = try RedisAddress.database(parts.count > 1 ? parts[1] : "")
                case "ca":
                    guard parts.count > 1, let file = RedisAddress.decoded(parts[1]), !file.isEmpty else {
                        throw Invalid(description: "ca has no file")
                    }
                    self.trustRoots = file
                default:
                    throw Invalid(description: "there is no option \(parts[0].prefix(20)); there are ca and db")
                }
            }
        }
    }

    private static func credentials(
        _ authority: Substring
    ) throws(Invalid) -> (user: String?, password: RedisPassword?) {
        guard let at = authority.lastIndex(of: "@") else { return (nil, nil) }
        let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw Invalid(description: "it has a user but no password; write user:password@ or :password@")
        }
        guard let user = Self.decoded(parts[0]), let password = Self.decoded(parts[1]) else {
            throw Invalid(description: "user or password are not percent-encoded UTF-8")
        }
        guard !password.isEmpty else { throw Invalid(description: "the password is empty") }
        return (user.isEmpty ? nil : user, RedisPassword(password))
    }

    private static func tcp(_ authority: Substring) throws(Invalid) -> Place {
        let hostEnd: Substring.Index
        let host: Substring
        if authority.first == "[" {
            guard let bracket = authority.firstIndex(of: "]") else {
                throw Invalid(description: "a bracket is not closed")
            }
            host = authority[..<bracket].dropFirst()
            hostEnd = authority.index(after: bracket)
        } else {
            hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
            host = authority[..<hostEnd]
        }
        guard !host.isEmpty else { throw Invalid(description: "it has no host") }
        let portPart = authority[hostEnd...]
        guard !portPart.isEmpty else { return .tcp(host: String(host), port: Self.defaultPort) }
        guard portPart.first == ":", let port = Int(decimal: portPart.dropFirst(), in: 1...65_535) else {
            throw Invalid(description: "the port is not a number from 1 to 65535")
        }
        return .tcp(host: String(host), port: port)
    }

    private static func database(_ text: Substring) throws(Invalid) -> Int {
        guard !text.isEmpty else { return 0 }
        guard let number = Int(decimal: text, in: 0...Int(Int32.max)) else {
            throw Invalid(description: "the database is not a number from 0 on")
        }
        return number
    }

    /// Nil unless it is percent-encoded UTF-8 without control characters.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let high = Self.hexadecimal(digits.first), let low = Self.hexadecimal(digits.last)
            else { return nil }
            bytes.append(high << 4 | low)
            rest = rest.dropFirst(2)
        }
        return bytes.contains { $0 < 0x20 || $0 == 0x7F } ? nil : String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ digit: UInt8?) -> UInt8? {
        digit.flatMap { Character(UnicodeScalar($0)).hexDigitValue }.map { UInt8(clamping: $0) }
    }
}

extension RedisAddress: CustomStringConvertible {
    /// The address without user and password.
    package var description: String {
        switch self.place {
        case .tcp(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "\(self.isSecure ? "rediss" : "redis")://\(name):\(port)/\(self.database)"
        case .unix(let path):
            return "redis+unix://\(path)?db=\(self.database)"
        }
    }
}

/// A password that no description shows, neither its own nor that of a value that has it.
package struct RedisPassword: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The password itself, for the server and nobody else.
    let secret: String

    package init(_ secret: String) {
        self.secret = secret
    }

    package var description: String { "…" }
    package var debugDescription: String { "…" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// A text without the password: a server may repeat what it did not understand.
    func removed(from text: String) -> String {
        text.split(separator: self.secret, omittingEmptySubsequences: false).joined(separator: "…")
    }
}

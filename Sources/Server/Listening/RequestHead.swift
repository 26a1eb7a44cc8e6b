// SPDX-License-Identifier: Apache-2.0

import WebSocket

/// The parts of a request head that determine where the request ends and how it is handled.
struct RequestHead: Sendable, Equatable {
    enum Body: Sendable, Equatable {
        case none
        case length(Int)
        case chunked
    }

    private(set) var body = Body.none
    /// Whether the client waits for `100 Continue` before it sends the body.
    private(set) var expectsContinue = false
    /// Whether it requests an upgrade. A codec may treat the following bytes as the new protocol, so none may follow.
    private(set) var isLast = false
    /// The values of `X-Forwarded-For`, in order.
    private(set) var forwardedFor: [String] = []

    /// Maximum number of digits of a length that fits an `Int`.
    private static let lengthDigits = 18

    /// Parses a head that a `HeadScanner` has validated.
    init(_ bytes: Span<UInt8>) throws(RequestFault) {
        var index = 0
        let (target, isVersion1Dot1) = try Self.start(bytes, bytes.headLine(from: &index))
        var hosts = 0
        var host = 0..<0
        var length: Int?
        var isChunked = false
        var fields = 0
        while true {
            let line = bytes.headLine(from: &index)
            guard !line.isEmpty else { break }
            fields += 1
            guard let (name, value) = bytes.headerField(in: line) else {
                throw .head(.malformedField(number: fields))
            }
            switch name.count {
            case 4 where bytes.hasWord("host", at: name):
                hosts += 1
                host = value
            case 6 where bytes.hasWord("expect", at: name):
                guard bytes.hasWord("100-continue", at: value) else { throw .expectation }
                self.expectsContinue = true
            case 7 where bytes.hasWord("upgrade", at: name):
                self.isLast = true
            case 14 where bytes.hasWord("content-length", at: name):
                guard length == nil, let given = Self.number(bytes, value) else { throw .contentLength }
                length = given
            case 15 where bytes.hasWord("x-forwarded-for", at: name):
                self.forwardedFor.append(bytes.text(in: value))
            case 17 where bytes.hasWord("transfer-encoding", at: name):
                guard isVersion1Dot1, !isChunked, bytes.hasWord("chunked", at: value) else { throw .transferEncoding }
                isChunked = true
            default:
                break
            }
        }
        guard hosts == 1 || hosts == 0 && !isVersion1Dot1, Self.names(bytes, target, host) else { throw .host }
        guard length == nil || !isChunked else { throw .twoLengths }
        self.body = isChunked ? .chunked : length.map { .length($0) } ?? .none
        // RFC 9110 §10.1.1: no expectation without a body, and none in HTTP/1.0.
        if !isVersion1Dot1 || self.body == .none || self.body == .length(0) { self.expectsContinue = false }
    }

    /// Whether a target in absolute form, as sent to proxies, names the same host as `Host`. The target would take
    /// precedence (RFC 9112 §3.2.2), so code that checks only one of them must not be misled by the other.
    private static func names(_ bytes: Span<UInt8>, _ target: Range<Int>, _ host: Range<Int>) -> Bool {
        guard bytes[target.lowerBound] != UInt8(ascii: "/"), target.count > 1 else { return true }
        var start = target.lowerBound
        while start < target.upperBound, !bytes.hasPrefix("://", at: start) { start += 1 }
        guard start < target.upperBound else { return false }
        start += 3
        var end = start
        while end < target.upperBound, !"/?#".utf8.contains(bytes[end]) { end += 1 }
        guard end - start == host.count else { return false }
        return (0..<host.count).allSatisfy {
            bytes[start + $0].lowercased == bytes[host.lowerBound + $0].lowercased
        }
    }

    /// The request target, and whether the version is 1.1 rather than 1.0.
    private static func start(
        _ bytes: Span<UInt8>,
        _ line: Range<Int>
    ) throws(RequestFault) -> (target: Range<Int>, isVersion1Dot1: Bool) {
        var end = line.lowerBound
        while end < line.upperBound, bytes[end].isTokenCharacter { end += 1 }
        let method = line.lowerBound..<end
        guard !method.isEmpty, end < line.upperBound, bytes[end] == .blank else { throw .malformedRequestLine }
        let start = end + 1
        end = start
        while end < line.upperBound, bytes[end] != .blank, bytes[end] != .tab { end += 1 }
        guard end > start, end < line.upperBound, bytes[end] == .blank else { throw .malformedRequestLine }
        let target = start..<end
        let version = end + 1..<line.upperBound
        guard version.count == 8, bytes.hasPrefix("HTTP/", at: version.lowerBound),
            bytes[version.lowerBound + 6] == UInt8(ascii: ".")
        else { throw .malformedRequestLine }
        let (major, minor) = (bytes[version.lowerBound + 5], bytes[version.lowerBound + 7])
        guard major == UInt8(ascii: "1"), minor == UInt8(ascii: "0") || minor == UInt8(ascii: "1") else {
            throw .version
        }
        // After CONNECT, a codec treats the following bytes as a tunnel.
        guard !(method.count == 7 && bytes.hasPrefix("CONNECT", at: 0)) else { throw .method }
        guard !(method.count == 5 && bytes.hasPrefix("TRACE", at: 0)) else { throw .method }
        return (target, minor == UInt8(ascii: "1"))
    }

    private static func number(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        guard 1...Self.lengthDigits ~= range.count else { return nil }
        var number = 0
        for index in range {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[index] else { return nil }
            number = number * 10 + Int(bytes[index] - UInt8(ascii: "0"))
        }
        return number
    }
}

extension Span<UInt8> {
    /// Whether a range equals a lower-case word, ignoring case.
    fileprivate func hasWord(_ word: String, at range: Range<Int>) -> Bool {
        guard range.count == word.utf8.count else { return false }
        var index = range.lowerBound
        for byte in word.utf8 {
            guard self[index].lowercased == byte else { return false }
            index += 1
        }
        return true
    }

    /// Whether the bytes at an index start with a text, case-sensitive.
    fileprivate func hasPrefix(_ text: String, at start: Int) -> Bool {
        guard self.count - start >= text.utf8.count else { return false }
        var index = start
        for byte in text.utf8 {
            guard self[index] == byte else { return false }
            index += 1
        }
        return true
    }
}

extension UInt8 {
    fileprivate var lowercased: UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= self ? self | 0x20 : self
    }
}

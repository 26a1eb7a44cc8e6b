// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A blocking connection to a Redis server's socket, for a test's own commands. Trusts the server.
struct RedisTestConnection: ~Copyable {
    private let descriptor: Int32

    init(path: String) throws {
        self.descriptor = try Self.connect(path)
    }

    private static func connect(_ path: String) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < capacity else {
            throw SetupFailure(description: "the path of the socket is too long: \(path)")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        #if canImport(Darwin)
        let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #else
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #endif
        guard descriptor >= 0 else { throw SetupFailure(description: "there is no socket: error \(errno)") }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        let length = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, length)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, length)
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe Foundation.connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else {
            let number = errno
            close(descriptor)
            throw SetupFailure(description: "nothing answers at \(path): error \(number)")
        }
        return descriptor
    }

    deinit {
        close(self.descriptor)
    }

    /// Sends commands at once, while another thread's reading is not needed: answers are small.
    func send(_ commands: [[String]]) throws -> [String] {
        var bytes: [UInt8] = []
        for words in commands {
            bytes += Array("*\(words.count)\r\n".utf8)
            for word in words {
                bytes += Array("$\(word.utf8.count)\r\n".utf8)
                bytes += Array(word.utf8)
                bytes += Array("\r\n".utf8)
            }
        }
        try self.write(bytes)
        var answers = Answers(descriptor: self.descriptor)
        return try commands.map { _ in try answers.next() }
    }

    private func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Foundation.send(
                    self.descriptor,
                    buffer.baseAddress.map { unsafe $0 + sent },
                    bytes.count - sent,
                    Int32(MSG_NOSIGNAL)
                )
            }
            guard count > 0 else { throw SetupFailure(description: "Redis takes no commands: error \(errno)") }
            sent += count
        }
    }

    private struct Answers {
        let descriptor: Int32
        private var bytes: [UInt8] = []
        private var offset = 0

        init(descriptor: Int32) {
            self.descriptor = descriptor
        }

        mutating func next() throws -> String {
            let line = try self.line()
            let rest = String(line.dropFirst())
            switch line.first {
            case "+", ":":
                return rest
            case "-":
                throw SetupFailure(description: rest)
            case "$":
                guard let length = Int(rest), length >= 0 else { return "" }
                while self.bytes.count - self.offset < length + 2 { try self.fill() }
                defer { self.offset += length + 2 }
                return String(decoding: self.bytes[self.offset..<self.offset + length], as: UTF8.self)
            case "*":
                let count = max(Int(rest) ?? 0, 0)
                return try (0..<count).map { _ in try self.next() }.joined(separator: "\n")
            default:
                throw SetupFailure(description: "Redis answered \(line)")
            }
        }

        private mutating func line() throws -> String {
            while true {
                if let end = self.bytes[self.offset...].firstIndex(of: UInt8(ascii: "\n")) {
                    defer { self.offset = end + 1 }
                    return String(decoding: self.bytes[self.offset..<end].dropLast(), as: UTF8.self)
                }
                try self.fill()
            }
        }

        private mutating func fill() throws {
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = unsafe recv(self.descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { throw SetupFailure(description: "Redis does not answer: error \(errno)") }
            self.bytes += chunk[..<count]
        }
    }
}

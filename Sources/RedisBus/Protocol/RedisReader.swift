// SPDX-License-Identifier: Apache-2.0

import CHiredis
import JSON

/// Decodes replies of a Redis server: bytes in, values out. Owns one hiredis reader.
///
/// hiredis limits only the nesting of arrays (7 levels), so sizes are checked here as soon as they are announced.
@safe package struct RedisReader: ~Copyable {
    /// Size limits of one reply.
    package struct Limits: Sendable, Equatable {
        /// Bytes of all its strings. A bulk string is buffered completely, so this limits the memory of a connection.
        package var replyBytes = 64 << 20
        /// Bytes of a status, an error or a length.
        package var lineBytes = 64 << 10
        /// Elements of all its arrays.
        package var elements = 1 << 16

        package init() {}
    }

    /// Memory that hiredis keeps between replies, in bytes.
    private static let keptBuffer = 64 << 10

    private let reader: UnsafeMutablePointer<redisReader>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    /// hiredis holds a pointer to it, so it must live as long as this value.
    private let builder: ReplyBuilder
    private let limits: Limits
    private var fault: RedisFault?

    package init(limits: Limits = Limits()) throws(RedisFault) {
        let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        unsafe functions.initialize(to: ReplyCallbacks.functions)
        guard let reader = unsafe redisReaderCreateWithFunctions(functions) else {
            unsafe functions.deallocate()
            throw .outOfMemory
        }
        let builder = ReplyBuilder(limits: limits)
        unsafe reader.pointee.privdata = Unmanaged.passUnretained(builder).toOpaque()
        unsafe reader.pointee.maxbuf = Self.keptBuffer
        unsafe self.reader = reader
        unsafe self.functions = functions
        self.builder = builder
        self.limits = limits
    }

    deinit {
        unsafe redisReaderFree(self.reader)
        unsafe self.functions.deallocate()
    }

    /// Adds bytes. Call ``next()`` until it returns nil before feeding again: the bytes are buffered until then.
    package mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        guard self.fault == nil, let start = bytes.baseAddress else { return }
        let code = unsafe redisReaderFeed(self.reader, start.assumingMemoryBound(to: CChar.self), bytes.count)
        if code != REDIS_OK { self.fault = .outOfMemory }
    }

    /// The next value; nil if more bytes are needed.
    ///
    /// After a fault, every call throws the same fault.
    package mutating func next() throws(RedisFault) -> RedisValue? {
        if let fault = self.fault { throw fault }
        var reply: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(self.reader, &reply) == REDIS_OK else {
            throw self.fail(self.builder.fault ?? self.readerFault)
        }
        if unsafe reply != nil { return self.builder.take() }
        try self.checkUnread()
        return nil
    }

    private var readerFault: RedisFault {
        guard unsafe self.reader.pointee.err != REDIS_ERR_OOM else { return .outOfMemory }
        let text = unsafe withUnsafeBytes(of: self.reader.pointee.errstr) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return .malformed(text)
    }

    private mutating func fail(_ fault: RedisFault) -> RedisFault {
        self.fault = fault
        return fault
    }

    /// Checks the incomplete item that hiredis is waiting for.
    ///
    /// Its type has been read already. If it contains a line end, it is the length of a bulk string, because any other
    /// item would be complete.
    private mutating func checkUnread() throws(RedisFault) {
        let (position, length) = unsafe (self.reader.pointee.pos, self.reader.pointee.len)
        guard position < length, let start = unsafe self.reader.pointee.buf else { return }
        let unread = unsafe UnsafeRawBufferPointer(start: start + position, count: length - position)
        guard let end = unsafe Self.endOfLine(unread, within: self.limits.lineBytes) else {
            // The carriage return may have been received already.
            guard unread.count <= self.limits.lineBytes + 1 else {
                throw self.fail(.lineTooLong(limit: self.limits.lineBytes))
            }
            return
        }
        let announced = Int(decimal: unsafe Array(unread[..<end]), in: .unlimited) ?? 0
        guard announced <= self.limits.replyBytes - self.builder.bytes else {
            throw self.fail(.replyTooLarge(limit: self.limits.replyBytes))
        }
    }

    /// End of the first line, if it is within a limit.
    private static func endOfLine(_ bytes: UnsafeRawBufferPointer, within limit: Int) -> Int? {
        var index = 0
        while index <= limit, index + 1 < bytes.count {
            if unsafe bytes[index] == UInt8(ascii: "\r"), unsafe bytes[index + 1] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        return nil
    }
}

// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import EventLog
import Logging
import NIOCore
import SafeText

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// One libpq connection: non-blocking, in pipeline mode, and always waited on with a deadline.
@safe struct PostgresHandle: ~Copyable {
    private let connection: OpaquePointer
    private let notices: Notices
    private let secrets: AddressSecrets

    deinit {
        unsafe PQfinish(self.connection)
    }

    private init(_ connection: OpaquePointer, _ notices: Notices, _ secrets: AddressSecrets) {
        unsafe self.connection = unsafe connection
        self.notices = notices
        self.secrets = secrets
    }

    /// Connects and logs in. The deadline does not apply to the host name lookup.
    static func open(
        _ address: PostgresAddress,
        deadline: NIODeadline,
        logger: Logger
    ) throws(PostgresFault) -> PostgresHandle {
        let keywords = address.options.map { $0.keyword }
        let values = address.options.map { $0.value }
        let connection = unsafe withCStrings(keywords) { keywords in
            unsafe withCStrings(values) { unsafe PQconnectStartParams(keywords, $0, 0) }
        }
        guard let connection = unsafe connection else { throw .lost("out of memory") }
        let handle = unsafe PostgresHandle(connection, Notices(logger: logger), address.secrets)
        _ = unsafe PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context = unsafe context, let result = unsafe result else { return }
                unsafe Unmanaged<Notices>.fromOpaque(context).takeUnretainedValue().received(result)
            },
            Unmanaged.passUnretained(handle.notices).toOpaque()
        )
        try handle.connect(deadline)
        guard unsafe PQsetnonblocking(connection, 1) == 0, unsafe PQenterPipelineMode(connection) == 1 else {
            throw handle.lost
        }
        return handle
    }

    private func connect(_ deadline: NIODeadline) throws(PostgresFault) {
        guard unsafe PQstatus(self.connection) != CONNECTION_BAD else { throw self.lost }
        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard next != PGRES_POLLING_FAILED else { throw self.lost }
            _ = try self.wait(for: next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until: deadline)
            next = unsafe PQconnectPoll(self.connection)
        }
    }

    // MARK: Sending

    func prepare(_ statement: PostgresStatement, as name: String) throws(PostgresFault) {
        guard unsafe PQsendPrepare(self.connection, name, statement.sql, 0, nil) == 1 else { throw self.lost }
    }

    /// Sends a command, prepared under a name or unprepared.
    func send(_ command: PostgresCommand, prepared name: String?) throws(PostgresFault) {
        let count = command.ends.count
        let formats = [Int32](repeating: 1, count: count)
        var lengths: [Int32] = []
        var start = 0
        for end in command.ends {
            lengths.append(Int32(truncatingIfNeeded: end - start))
            start = end
        }
        // The base address must not be null even without bytes, because a null value is NULL.
        let isSent = unsafe (command.bytes.isEmpty ? [0] : command.bytes).withUnsafeBytes { bytes in
            let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = unsafe ([0] + command.ends).prefix(count).map { unsafe base?.advanced(by: $0) }
            return unsafe values.withUnsafeBufferPointer { values in
                if let name {
                    unsafe PQsendQueryPrepared(
                        self.connection,
                        name,
                        Int32(clamping: count),
                        values.baseAddress,
                        lengths,
                        formats,
                        1
                    )
                } else {
                    unsafe PQsendQueryParams(
                        self.connection,
                        command.statement.sql,
                        Int32(clamping: count),
                        nil,
                        values.baseAddress,
                        lengths,
                        formats,
                        1
                    )
                }
            }
        }
        guard isSent == 1 else { throw self.lost }
    }

    func sendSync() throws(PostgresFault) {
        guard unsafe PQpipelineSync(self.connection) == 1 else { throw self.lost }
    }

    // MARK: Receiving

    /// Meaning of a libpq result.
    enum Answer {
        case rows(PostgresRows)
        case refused(PostgresFault)
        /// Not run, because a command before it was refused.
        case skipped
        case synced
        /// End of the results of a command.
        case end
    }

    func answer(until deadline: NIODeadline) throws(PostgresFault) -> Answer {
        while unsafe PQisBusy(self.connection) == 1 {
            let pending = unsafe PQflush(self.connection)
            guard pending >= 0 else { throw self.lost }
            let events = try self.wait(for: pending == 1 ? POLLIN | POLLOUT : POLLIN, until: deadline)
            if events & ~POLLOUT != 0, unsafe PQconsumeInput(self.connection) == 0 { throw self.lost }
        }
        guard let result = unsafe PQgetResult(self.connection) else {
            guard unsafe PQstatus(self.connection) == CONNECTION_OK else { throw self.lost }
            return .end
        }
        let rows = unsafe PostgresRows(result)
        switch unsafe PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            return .rows(rows)
        case PGRES_PIPELINE_SYNC:
            return .synced
        case PGRES_PIPELINE_ABORTED:
            return .skipped
        default:
            // FATAL or PANIC: the server has closed the connection, or libpq has detected it.
            let severity = unsafe field(result, PostgresDiagnosticSeverity)
            let message = unsafe field(result, PostgresDiagnosticMessage) ?? self.errorMessage
            guard severity == "ERROR", let state = unsafe field(result, PostgresDiagnosticState) else {
                throw .lost(message)
            }
            return .refused(.refused(state: state, message: message))
        }
    }

    /// Throws if the server has closed the connection. Between commands it sends nothing but notices.
    func checkIsOpen() throws(PostgresFault) {
        var descriptor = pollfd(fd: unsafe PQsocket(self.connection), events: Int16(POLLIN), revents: 0)
        // Its last message, if any, arrives before the end of the stream.
        for _ in 0..<8 where unsafe poll(&descriptor, 1, 0) > 0 {
            guard unsafe PQconsumeInput(self.connection) == 1 else { throw self.lost }
        }
    }

    /// Waits for the socket. An answer that is there is taken even after the deadline: on a busy machine this thread may
    /// have waited for its turn, not for the server.
    private func wait(for events: Int32, until deadline: NIODeadline) throws(PostgresFault) -> Int32 {
        while true {
            let left = deadline - .now()
            var descriptor = pollfd(fd: unsafe PQsocket(self.connection), events: Int16(clamping: events), revents: 0)
            let milliseconds = left > .zero ? Int32(clamping: left.nanoseconds / 1_000_000 + 1) : 0
            switch unsafe poll(&descriptor, 1, milliseconds) {
            case 0 where left <= .zero: throw .lost("the server did not answer in time")
            case 0: continue
            case 1...: return Int32(clamping: descriptor.revents)
            default: if errno != EINTR { throw .lost("poll: \(SystemError.current)") }
            }
        }
    }

    private var lost: PostgresFault {
        .lost(self.errorMessage)
    }

    /// The error of libpq, without a password that it may contain.
    private var errorMessage: String {
        let text = unsafe String(cString: PQerrorMessage(self.connection))
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.isEmpty ? "the connection was lost" : self.secrets.removed(from: line)
    }
}

private func field(_ result: OpaquePointer, _ code: Int32) -> String? {
    unsafe PQresultErrorField(result, code).map { unsafe String(cString: $0) }
}

/// Logs the server's notices.
private final class Notices {
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func received(_ result: OpaquePointer) {
        self.logger.debug(
            "notice of the database",
            metadata: ["message": "\(unsafe field(result, PostgresDiagnosticMessage) ?? "")"]
        )
    }
}

/// A null-terminated array of C strings for the length of a body.
private func withCStrings<Value>(
    _ texts: [String],
    _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    let copies = unsafe texts.map { unsafe strdup($0) }
    defer { unsafe copies.forEach { unsafe free($0) } }
    var pointers = unsafe copies.map { unsafe UnsafePointer($0) }
    unsafe pointers.append(nil)
    return unsafe body(pointers)
}

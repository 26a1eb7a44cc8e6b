// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging
import NIOCore

/// A logged-in connection with its prepared statements. Used by one ``PostgresConnection`` on its thread; every method
/// blocks until it has its result, the ``deadline`` has passed, or the connection is lost.
final class PostgresSession {
    private let handle: PostgresHandle
    private var prepared: Set<String> = []
    /// Whether cached state has not been validated on this connection yet: it may be another server, which uses the
    /// same IDs for other rows.
    var isFresh = true
    /// When the current work is abandoned and the connection closed.
    var deadline: NIODeadline

    /// Maximum number of prepared statements, a few kilobytes each; above it, all are deallocated.
    private static let maxPrepared = 200

    init(_ address: PostgresAddress, deadline: NIODeadline, logger: Logger) throws(PostgresFault) {
        self.handle = try PostgresHandle.open(address, deadline: deadline, logger: logger)
        self.deadline = deadline
    }

    /// Throws if the server has closed the connection since the last result.
    func checkIsOpen() throws(PostgresFault) {
        try self.handle.checkIsOpen()
    }

    /// Runs commands in one round trip. The first refused command ends them, and is thrown after all results are read.
    /// - Returns: The rows of each.
    func run(_ commands: [PostgresCommand]) throws(PostgresFault) -> [PostgresRows] {
        var steps: [Step] = []
        if self.prepared.count > Self.maxPrepared {
            self.prepared = []
            try self.handle.send(PostgresCommand(PostgresStatement(nil, "DEALLOCATE ALL")), prepared: nil)
            steps.append(.housekeeping)
        }
        for command in commands {
            if let name = command.statement.name, !self.prepared.contains(name) {
                try self.handle.prepare(command.statement, as: name)
                // Removed again if it was not executed.
                self.prepared.insert(name)
                steps.append(.preparation(name))
            }
            try self.handle.send(command, prepared: command.statement.name)
            steps.append(.command)
        }
        try self.handle.sendSync()
        return try self.answers(to: steps)
    }

    private enum Step {
        case housekeeping
        case preparation(String)
        case command
    }

    private func answers(to steps: [Step]) throws(PostgresFault) -> [PostgresRows] {
        var all: [PostgresRows] = []
        all.reserveCapacity(steps.count)
        var refusal: PostgresFault?
        for step in steps {
            var isDone = false
            switch try self.handle.answer(until: self.deadline) {
            case .rows(let rows):
                isDone = true
                if case .command = step { all.append(rows) }
            case .refused(let fault): refusal = refusal ?? fault
            case .skipped: break
            case .synced, .end: throw .lost("the server's answers are out of step")
            }
            if !isDone, case .preparation(let name) = step { self.prepared.remove(name) }
            guard case .end = try self.handle.answer(until: self.deadline) else {
                throw .lost("the server's answers are out of step")
            }
        }
        guard case .synced = try self.handle.answer(until: self.deadline) else {
            throw .lost("the server's answers are out of step")
        }
        if let refusal { throw refusal }
        return all
    }

    /// ``run(_:)`` for one command.
    @discardableResult
    func run(_ command: PostgresCommand) throws(PostgresFault) -> PostgresRows {
        guard let rows = try self.run([command]).first else { throw .lost("the server's answers are out of step") }
        return rows
    }

    /// Runs SQL without parameters, in order, in one round trip.
    func run(sql: [String]) throws(PostgresFault) {
        _ = try self.run(sql.map { PostgresCommand(PostgresStatement(nil, $0)) })
    }

    /// Runs work in one transaction, which is rolled back if the work throws. A failed `COMMIT` is thrown as well: its
    /// changes may be committed if the fault is ``PostgresFault/lost(_:)``.
    func transaction<Value>(
        _ begin: PostgresStatement = .begin,
        _ work: () throws(PostgresFault) -> Value
    ) throws(PostgresFault) -> Value {
        do throws(PostgresFault) {
            try self.run(PostgresCommand(begin))
            let value = try work()
            try self.commit(with: [])
            return value
        } catch {
            if case .lost = error { throw error }
            try self.run(PostgresCommand(.rollback))
            throw error
        }
    }

    /// Runs the last commands of a transaction and commits it, in one round trip.
    func commit(with commands: [PostgresCommand]) throws(PostgresFault) {
        let rows = try self.run(commands + [PostgresCommand(.commit)])
        guard rows.last?.tag == "COMMIT" else { throw .unexpected("the server rolled a transaction back at its end") }
    }
}

/// Checks that the database still holds the log that was opened: it may be recreated or restored while a hub has it
/// open.
extension PostgresSession {
    static let findEpoch = PostgresStatement("find_epoch", "SELECT value FROM tape WHERE name = 'epoch'")

    /// Throws unless the database holds the log of an epoch.
    func recognise(_ epoch: String) throws(PostgresFault) {
        do throws(PostgresFault) {
            let found = try self.run(PostgresCommand(Self.findEpoch))
            try Self.recognise(found.count == 1 ? found.text(0, 0) : nil, epoch)
        } catch {
            guard case .refused(_, let message) = error else { throw error }
            throw .unexpected("\(Self.isGone) (\(message)). \(Self.advice)")
        }
    }

    /// - Parameter found: The epoch of the database.
    static func recognise(_ found: String?, _ epoch: String) throws(PostgresFault) {
        guard found != epoch else { return }
        let what = found.map { "the database holds another log: its epoch was \(epoch) and is \($0)" } ?? Self.isGone
        throw .unexpected("\(what). \(Self.advice)")
    }

    private static let isGone = "the database does not hold the log any more"
    private static let advice = "Nothing is committed to it; name the right database or restore it, and restart the hub"
}

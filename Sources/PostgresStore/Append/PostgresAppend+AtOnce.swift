// SPDX-License-Identifier: Apache-2.0

import EventLog

extension PostgresAppend {
    /// Number of batches that use the locked path after an optimistic append has failed, so that a publisher that
    /// repeats all of its events causes few failed attempts.
    private static let caution = 16

    /// Appends optimistically in one round trip, if possible.
    /// - Returns: Nil if the locked path is needed; nothing has been changed then.
    mutating func runAtOnce(_ memory: inout AppendCache) throws(PostgresFault) -> Ending? {
        // The state of a source's step has to be read first, and a trial is not committed.
        guard self.batch.step == nil, !self.batch.isTrial else { return nil }
        guard memory.caution == 0 else {
            memory.caution -= 1
            return nil
        }
        guard memory.lost.isEmpty, let now = memory.clock?() ?? memory.time?.now() else { return nil }
        self.channels.reserveCapacity(self.batch.names.count)
        for name in self.batch.names {
            guard let channel = memory.channels[name], let state = channel.state else { return nil }
            self.channels.append(Channel(id: channel.id, state))
        }
        let accepted = max(now, memory.lastAccepted)
        let (parts, missing) = self.partitions(memory, at: accepted)
        guard missing.isEmpty else { return nil }
        self.writing = AppendRows(self.batch, accepted: accepted)
        let outcomes = try self.judge(parts, memory.lost)
        guard self.writing.hasEvents else { return nil }
        self.moveChannels()
        // Otherwise a connection that was lost long before this commit would leave the outcome unknown.
        try self.session.checkIsOpen()
        var commands = [
            PostgresCommand(.begin), PostgresCommand(Self.number), self.writing.movingCommand(in: self.epoch),
            self.writing.receiptsCommand,
        ]
        do throws(PostgresFault) {
            if !self.batch.reads.isEmpty {
                let answers = try self.session.run(commands + self.batch.reads)
                self.projecting.take(answers.dropFirst(commands.count), to: self.batch.reads)
                commands = []
            }
            try self.commit(commands + self.writing.entryCommands + self.projecting.commands, &memory)
        } catch {
            guard case .refused = error else { throw error }
            try self.session.run(PostgresCommand(.rollback))
            for name in self.batch.names { memory.channels[name]?.state = nil }
            memory.caution = Self.caution
            return nil
        }
        memory.lastAccepted = accepted
        return .settled(outcomes, skipped: self.projecting.skipped)
    }

    private static let number = PostgresStatement("number_batch", "SELECT nextval('batches')")
}

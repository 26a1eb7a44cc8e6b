// SPDX-License-Identifier: Apache-2.0

import EventLog

extension PostgresAppend {
    /// How many batches look first after one was found not to be as expected: a publisher that repeats all it has sent
    /// costs few attempts in vain.
    private static let caution = 16

    /// Appends without a look, if nothing speaks against it.
    /// - Returns: Nil when it has to be done with a look; nothing has been changed then.
    mutating func runAtOnce(_ memory: inout PostgresMemory) throws(PostgresFault) -> Ending? {
        // A step has to be looked at anyway, and a trial is not committed.
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
        self.writing = PostgresWriting(self.batch, accepted: accepted)
        let outcomes = try self.judge(parts, memory.lost)
        guard self.writing.hasEvents else { return nil }
        self.moveChannels()
        // Else its end, which was long before this commit, would leave the outcome open.
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

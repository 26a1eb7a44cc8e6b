// SPDX-License-Identifier: Apache-2.0

import EventLog

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

// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
package import Logging
import Synchronization

/// Which user owns which wallet address: from the configuration and, optionally, a file with one line per wallet, the
/// address and the user separated by a space.
///
/// The file is reloaded when it changes, so an operator or a job adds customers without a restart. A line that cannot
/// be parsed is skipped and logged.
package final class WalletOwners: Sendable {
    private struct State: Sendable {
        var users: [Address: String]
        var changed: Date?
        var size = -1
    }

    private let given: [Address: String]
    private let path: String?
    private let logger: Logger
    private let state: Mutex<State>

    package init(_ given: [Address: String], path: String? = nil, logger: Logger) {
        self.given = given
        self.path = path
        self.logger = logger
        self.state = Mutex(State(users: given))
    }

    /// The current owners. Checks the file's modification time; keeps the last known owners if the file is missing or
    /// unreadable.
    package var users: [Address: String] {
        guard let path else { return self.given }
        return self.state.withLock { state in
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
                let changed = attributes[.modificationDate] as? Date, let size = attributes[.size] as? Int,
                changed != state.changed || size != state.size,
                let text = try? String(contentsOfFile: path, encoding: .utf8)
            else { return state.users }
            state.changed = changed
            state.size = size
            state.users = self.read(text)
            return state.users
        }
    }

    private func read(_ text: String) -> [Address: String] {
        var users = self.given
        for (index, line) in text.textLines.enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            guard words.count == 2, let address = Address(String(first)) else {
                self.logger.warning(
                    "invalid line in the wallet owners file: expected an address and a user",
                    metadata: ["line": "\(index + 1)"]
                )
                continue
            }
            users[address] = String(words[1])
        }
        return users
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON
package import Logging
import Synchronization

/// Which user owns which wallet address: what the configuration says and, if there is one, a file with a line for each,
/// the address and the user with a blank between them.
///
/// The file is read again when it has changed, so an operator, or a job that writes it, adds customers without
/// a restart. A line that cannot be read is left out and told of.
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

    /// As they are now. Looks at the file's date; a file that is gone or cannot be read leaves what was known.
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
                    "a line of the wallets' owners is not an address and a user",
                    metadata: ["line": "\(index + 1)"]
                )
                continue
            }
            users[address] = String(words[1])
        }
        return users
    }
}

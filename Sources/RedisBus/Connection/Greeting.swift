// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The initial commands of every connection, sent at once, and the validation of their replies.
struct Greeting {
    enum OnValue: Equatable {
        case needMore
        /// Not a reply, but a message received between the replies.
        case message
        /// The connection can be used.
        case complete
        case failed(RedisEnding)
    }

    private enum Step {
        case authenticate
        case name
        case select
        /// Confirmations still to come.
        case open(String, missing: Int)
    }

    let request: ByteBuffer
    private let password: RedisPassword?
    /// In reverse order.
    private var steps: [Step]

    init(address: RedisAddress, name: String, opening: RedisOpening) {
        var request = ByteBuffer()
        var steps: [Step] = []
        if let password = address.password {
            let words = ["AUTH"] + (address.user.map { [$0] } ?? []) + [password.secret]
            request.writeImmutableBuffer(RedisCommand.format(words))
            steps.append(.authenticate)
        }
        request.writeImmutableBuffer(RedisCommand.format(["CLIENT", "SETNAME", name]))
        steps.append(.name)
        if address.database != 0 {
            request.writeImmutableBuffer(RedisCommand.format(["SELECT", String(address.database)]))
            steps.append(.select)
        }
        request.writeImmutableBuffer(opening.command)
        switch opening {
        case .subscribe(let names), .psubscribe(let names):
            steps.append(.open(opening.name, missing: names.count))
        case .publish:
            steps.append(.open(opening.name, missing: 1))
        }
        self.request = request
        self.password = address.password
        self.steps = steps.reversed()
    }

    mutating func receive(_ value: RedisValue) -> OnValue {
        guard let step = self.steps.popLast() else { return .complete }
        switch (step, value) {
        case (.name, .error(let words)) where words.hasPrefix("NOPERM") || words.hasPrefix("ERR unknown"):
            // The name is optional, and an ACL user may have no permission to set it.
            return .needMore
        case (.authenticate, .error(let words)):
            return .failed(self.refusal(of: "AUTH", words))
        case (.name, .error(let words)):
            return .failed(self.refusal(of: "CLIENT SETNAME", words))
        case (.select, .error(let words)):
            return .failed(self.refusal(of: "SELECT", words))
        case (.open(let command, _), .error(let words)):
            return .failed(self.refusal(of: command, words))
        case (.authenticate, .simple), (.name, .simple), (.select, .simple):
            return .needMore
        case (.open(_, let missing), .integer) where missing == 1:
            return .complete
        case (.open(let command, let missing), .array(let parts)):
            guard let kind = parts.first, kind.isBulk("subscribe") || kind.isBulk("psubscribe") else {
                self.steps.append(step)
                return .message
            }
            guard missing > 1 else { return .complete }
            self.steps.append(.open(command, missing: missing - 1))
            return .needMore
        case (.authenticate, _), (.name, _), (.select, _), (.open, _):
            return .failed(.fault(.malformed("an answer of the wrong kind")))
        }
    }

    private func refusal(of command: String, _ words: String) -> RedisEnding {
        .refused(command: command, reply: self.password?.removed(from: words) ?? words)
    }
}

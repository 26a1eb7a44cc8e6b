// SPDX-License-Identifier: Apache-2.0

/// Builds one reply from its parts, in the order in which hiredis parses them.
///
/// Refuses replies above the limits before allocating memory: an array costs memory for received elements only, not for
/// announced ones.
final class ReplyBuilder {
    private struct Open {
        var missing: Int
        var elements: [RedisValue] = []
    }

    private let limits: RedisReader.Limits
    private var open: [Open] = []
    private var root: RedisValue?
    /// Elements announced and string bytes so far in the current reply.
    private var elements = 0
    private(set) var bytes = 0
    /// Why a part was refused.
    private(set) var fault: RedisFault?

    init(limits: RedisReader.Limits) {
        self.limits = limits
    }

    /// Returns the complete reply and starts the next one.
    func take() -> RedisValue? {
        defer {
            self.root = nil
            self.elements = 0
            self.bytes = 0
        }
        return self.root
    }

    /// Whether a string is within the limits.
    /// - Parameter isLine: Whether it is a status or an error, not a bulk string.
    func admit(bytes count: Int, isLine: Bool) -> Bool {
        if isLine, count > self.limits.lineBytes {
            self.fault = .lineTooLong(limit: self.limits.lineBytes)
        } else if count > self.limits.replyBytes - self.bytes {
            self.fault = .replyTooLarge(limit: self.limits.replyBytes)
        }
        self.bytes += self.fault == nil ? count : 0
        return self.fault == nil
    }

    /// Adds a value that is not an array, or an empty one.
    func add(_ value: RedisValue) {
        var value = value
        while let last = self.open.indices.last {
            self.open[last].elements.append(value)
            self.open[last].missing -= 1
            guard self.open[last].missing == 0 else { return }
            value = .array(self.open.removeLast().elements)
        }
        self.root = value
    }

    /// Begins an array; the next values are its elements.
    func begin(count: Int) -> Bool {
        guard count <= self.limits.elements - self.elements else {
            self.fault = .tooManyElements(limit: self.limits.elements)
            return false
        }
        self.elements += count
        if count == 0 {
            self.add(.array([]))
        } else {
            self.open.append(Open(missing: count))
        }
        return true
    }
}

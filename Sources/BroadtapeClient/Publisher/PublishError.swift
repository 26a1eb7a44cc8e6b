// SPDX-License-Identifier: Apache-2.0

/// Why events were not published, or why it is not known whether they were.
public enum PublishError: Error, Sendable, Equatable {
    /// The hub refused the request; nothing of it was appended.
    case problem(Problem)
    /// No answer came, for the last of this many attempts. The events may have been appended: publish them again with the
    /// same ids to find out.
    case unreachable(String, attempts: Int)
    /// An answer that is not a result list. The events may have been appended.
    case unexpectedAnswer(status: Int, excerpt: String)
    /// The token provider threw.
    case noToken(String)
    /// The task was cancelled. The events may have been appended.
    case cancelled
}

extension PublishError: CustomStringConvertible {
    /// A sentence for a human.
    public var description: String {
        switch self {
        case .problem(let problem):
            problem.description
        case .unreachable(let why, let attempts):
            "no answer from the hub after \(attempts == 1 ? "one attempt" : "\(attempts) attempts"): \(why)"
        case .unexpectedAnswer(let status, let excerpt):
            "the answer (\(status)) is not from a hub: \(excerpt)"
        case .noToken(let why):
            "there is no token: \(why)"
        case .cancelled:
            "cancelled"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What the doctor has to say of one thing.
struct Finding: Equatable {
    enum Grade: String {
        case good = "ok"
        /// Works, but not as well or as surely as it could.
        case warning = "warning"
        /// The hub will not start, not serve, or lose what it promised to keep.
        case failure = "failure"
    }

    let grade: Grade
    /// What was looked at, in a word or two.
    let subject: String
    /// What was seen, and what to do about it.
    let text: String

    static func good(_ subject: String, _ text: String) -> Finding {
        Finding(grade: .good, subject: subject, text: text)
    }

    static func warning(_ subject: String, _ text: String) -> Finding {
        Finding(grade: .warning, subject: subject, text: text)
    }

    static func failure(_ subject: String, _ text: String) -> Finding {
        Finding(grade: .failure, subject: subject, text: text)
    }
}

// SPDX-License-Identifier: Apache-2.0

/// One result of `broadtape doctor`.
struct Finding: Equatable {
    enum Grade: String {
        case good = "ok"
        /// Works, but not as well or as reliably as it could.
        case warning = "warning"
        /// The hub fails to start or to serve, or loses committed data.
        case failure = "failure"
    }

    let grade: Grade
    /// What was checked, in a word or two.
    let subject: String
    /// The result, with advice.
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

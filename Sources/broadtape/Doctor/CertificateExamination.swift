// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import Server

/// Checks that certificates are valid, and warns before they expire.
struct CertificateExamination {
    /// Time before expiry at which warnings begin.
    private static let notice: Duration = .seconds(21 * 86_400)

    /// Settings and the PEM files they name. Files that cannot be read have already been reported.
    let files: [(setting: Setting, path: String)]

    func findings(now: Timestamp = .now) -> [Finding] {
        self.files.flatMap { setting, path in
            ((try? CertificateValidity.read(path)) ?? []).map { Self.judge($0, setting, path, now: now) }
        }
    }

    static func judge(_ validity: CertificateValidity, _ setting: Setting, _ path: String, now: Timestamp) -> Finding {
        let subject = setting.rawValue
        if validity.end <= now {
            return .failure(subject, "\(path): expired on \(validity.end); replace it")
        }
        if validity.begin > now {
            return .failure(
                subject,
                "\(path): is not valid before \(validity.begin); check the clock, too"
            )
        }
        let left = validity.end.duration(since: now)
        let text = "\(path): valid until \(validity.end)"
        return left < Self.notice
            ? .warning(subject, "\(text), \(left.wholeSeconds / 86_400) days; replace it in time")
            : .good(subject, text)
    }
}

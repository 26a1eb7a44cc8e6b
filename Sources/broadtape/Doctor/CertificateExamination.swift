// SPDX-License-Identifier: Apache-2.0

import EventLog
import JSON
import Server

/// Whether certificates are good now, and for long enough to be replaced in time.
struct CertificateExamination {
    /// Time before the end from when on it is worth a warning.
    private static let notice: Duration = .seconds(21 * 86_400)

    /// Settings and the PEM files they name; those that cannot be read have been complained of already.
    let files: [(setting: Setting, path: String)]

    func findings(now: Timestamp = .now) -> [Finding] {
        self.files.flatMap { setting, path in
            ((try? CertificateValidity.read(path)) ?? []).map { Self.judge($0, setting, path, now: now) }
        }
    }

    static func judge(_ validity: CertificateValidity, _ setting: Setting, _ path: String, now: Timestamp) -> Finding {
        let subject = setting.rawValue
        if validity.end <= now {
            return .failure(subject, "\(path): has ended on \(validity.end); replace it")
        }
        if validity.begin > now {
            return .failure(
                subject,
                "\(path): is not good before \(validity.begin); see also whether the clock is right"
            )
        }
        let left = validity.end.duration(since: now)
        let text = "\(path): good until \(validity.end)"
        return left < Self.notice
            ? .warning(subject, "\(text), \(left.wholeSeconds / 86_400) days; replace it in time")
            : .good(subject, text)
    }
}

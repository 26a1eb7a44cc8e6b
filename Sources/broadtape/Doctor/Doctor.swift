// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SafeText
import Terminal

/// `broadtape doctor`: checks the hub's environment before it starts.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the environment of the hub: machine, database, Redis, clocks, certificates and secrets.",
        discussion: """
            Reads the same settings as `serve` and changes nothing; the hub may be running. Exit status 1 if a check \
            fails, otherwise 0, even with warnings.
            """
    )

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let settings = try await self.options.settings()
        var findings = [Finding.good("configuration", "accepted")]
        findings += HostExamination().findings
        findings += SecretExamination(files: settings.secretFiles).findings
        findings += settings.secretErrors.map { Finding.failure("secrets", $0) }
        findings += CertificateExamination(files: settings.certificateFiles).findings()
        findings += await DatabaseExamination(database: settings.database).findings()
        if let redis = settings.redis {
            findings += await RedisExamination(address: redis).findings()
        }
        for finding in findings {
            StandardStream.output.print(finding.grade.rawValue, finding.subject, Redaction.text(finding.text))
        }
        guard !findings.contains(where: { $0.grade == .failure }) else { throw ExitCode.failure }
    }
}

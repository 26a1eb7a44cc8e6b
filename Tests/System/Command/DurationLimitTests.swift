// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Durations of the configuration at their limits: the hub works with them, and refuses what is beyond.
@Suite(.system, .serialized, .timeLimit(.minutes(2)))
struct DurationLimitTests {
    struct Setting: Sendable, CustomTestStringConvertible {
        let variable: String
        let lowest: String
        let highest: String

        var testDescription: String { self.variable }

        /// One more of its unit than the highest.
        var beyond: String {
            let digits = self.highest.prefix { $0.isNumber }
            return "\((Int(digits) ?? 0) + 1)\(self.highest.dropFirst(digits.count))"
        }
    }

    /// Those of the reference, which is written by the program.
    static let settings: [Setting] = {
        let url = Script.root.appending(path: "docs/configuration.md")
        let reference = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
        return reference.split(separator: "\n").compactMap { line in
            guard
                let match = line.firstMatch(
                    of: #/`(BROADTAPE_[A-Z_]+)`.*?a duration, (\d+[a-z]+) to (\d+[a-z]+) \|/#
                )
            else { return nil }
            return Setting(variable: String(match.1), lowest: String(match.2), highest: String(match.3))
        }
    }()

    @Test func thereAreSome() {
        #expect(Self.settings.count >= 12)
    }

    @Test(arguments: [\Setting.lowest, \Setting.highest])
    func theHubWorksAtTheLimits(limit: any KeyPath<Setting, String> & Sendable) async throws {
        var environment: [String: String] = [:]
        for setting in Self.settings { environment[setting.variable] = setting[keyPath: limit] }
        try await withHub(environment: environment) { hub in
            let token = try await hub.token("svc", "publish:*")
            let event = #"{"type":"rateChange","key":"BTC/USDT","data":{"rate":"1"}}"#
            let published = try await hub.run("publish", token: token, input: event)
            #expect(published.status == 0, "\(published)")
            #expect(try await hub.get("/health/ready").status == 200)
        }
    }

    @Test(arguments: Self.settings)
    func whatIsBeyondIsRefused(setting: Setting) async throws {
        for value in [setting.beyond, "9223372036854775807s", "9999999999999999999999d", "-1s"] {
            try await withFolder { folder in
                let record = try await Program.run(["check-config"], environment: [setting.variable: value], in: folder)
                #expect(record.status != 0, "\(value)")
                #expect((record.output + record.errors).contains(setting.variable.settingName), "\(value): \(record)")
            }
        }
    }
}

extension String {
    /// `BROADTAPE_MAX_LAG` as `max-lag`.
    fileprivate var settingName: String {
        self.dropFirst("BROADTAPE_".count).lowercased().replacing("_", with: "-")
    }
}

// SPDX-License-Identifier: Apache-2.0

import Configuration
import JSON

/// Reads settings one by one and collects errors.
struct SettingsReader {
    private let reader: ConfigReader
    private let flags: [Setting: String]
    private let environment: [String: String]
    private let file: ConfigurationFile?
    var errors: [String]
    /// Accepted values of each setting read so far, for the reference; settings that accept any text are missing.
    private(set) var expectations: [Setting: String] = [:]

    init(flags: [Setting: String], environment: [String: String], file: ConfigurationFile?) {
        let flags = flags.filter { $0.isGiven($1) }
        let missing = Setting.allCases.filter { setting in environment[setting.variable].map(setting.isGiven) == false }
        let environment = environment.filter { name, _ in !missing.contains { $0.variable == name } }
        self.flags = flags
        self.environment = environment
        self.file = file
        self.errors = file?.errors ?? []
        self.reader = ConfigReader(providers: [
            Self.provider("flags", flags.map { ($0.key.rawValue, $0.value) }),
            EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "broadtape"),
            Self.provider("file", (file?.settings ?? [:]).map { ($0.key, $0.value.text) }),
            Self.provider(
                "defaults",
                Setting.allCases.compactMap { setting in setting.defaultText.map { (setting.rawValue, $0) } }
            ),
        ])
    }

    private static func provider(_ name: String, _ values: [(String, String)]) -> InMemoryProvider {
        InMemoryProvider(
            name: name,
            values: Dictionary(
                values.map { (AbsoluteConfigKey([$0.0]), ConfigValue(.string($0.1), isSecret: false)) },
                uniquingKeysWith: { _, last in last }
            )
        )
    }

    /// Reports an error in a setting without its value.
    mutating func addError(_ setting: Setting, _ message: String) {
        self.errors.append("\(self.place(of: setting)): \(setting.rawValue): \(message)")
    }

    /// Whether the operator set it.
    func isSet(_ setting: Setting) -> Bool {
        self.flags[setting] != nil || self.environment[setting.variable] != nil
            || self.file?.settings[setting.rawValue] != nil
    }

    func text(_ setting: Setting) -> String? {
        self.reader.string(forKey: ConfigKey([setting.rawValue]))
    }

    /// Records the accepted values of a setting; the first call counts.
    mutating func note(_ setting: Setting, _ expectation: String) {
        if self.expectations[setting] == nil { self.expectations[setting] = expectation }
    }

    mutating func value<T>(_ setting: Setting, _ expectation: String, _ parse: (String) -> T?) -> T? {
        self.note(setting, expectation)
        guard let text = self.text(setting) else { return nil }
        if let value = parse(text) { return value }
        self.errors.append(
            "\(self.place(of: setting)): \(setting.rawValue) is \(expectation), not \"\(setting.shown(text))\""
        )
        return nil
    }

    mutating func flag(_ setting: Setting) -> Bool {
        self.value(setting, "true or false") { Bool($0) } ?? false
    }

    mutating func number(_ setting: Setting, in range: ClosedRange<Int>) -> Int? {
        self.value(setting, range.expectation()) { Int(decimal: $0, in: range) }
    }

    mutating func duration(_ setting: Setting, in range: ClosedRange<Duration>) -> Duration {
        self.note(setting, "a duration, \(Quantity.text(range))")
        return self.value(setting, "a duration such as 250ms, 10s or 5m, from \(Quantity.text(range))") {
            Quantity.duration($0).flatMap { range.contains($0) ? $0 : nil }
        } ?? .zero
    }

    /// Nil if it is off.
    mutating func durationOrOff(_ setting: Setting, in range: ClosedRange<Duration>) -> Duration? {
        self.note(setting, "off, or a duration, \(Quantity.text(range))")
        guard self.text(setting) != "off" else { return nil }
        let expectation = "off or a duration such as 250ms, 10s or 5m, from \(Quantity.text(range))"
        return self.value(setting, expectation) {
            Quantity.duration($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Nil if it is forever.
    mutating func durationOrForever(_ setting: Setting, in range: ClosedRange<Duration>) -> Duration? {
        self.note(setting, "forever, or a duration, \(Quantity.text(range))")
        guard self.text(setting) != "forever" else { return nil }
        return self.duration(setting, in: range)
    }

    mutating func bytes(_ setting: Setting, in range: ClosedRange<Int>) -> Int {
        self.note(setting, "a size, \(Quantity.text(ofBytes: range))")
        return self.value(
            setting,
            "a size such as 64KiB or 1MiB, from \(range.lowerBound) to \(range.upperBound) bytes"
        ) {
            Quantity.bytes($0).flatMap { range.contains($0) ? $0 : nil }
        } ?? range.lowerBound
    }

    /// Effective values of all settings, with their origin.
    var effective: [EffectiveSetting] {
        Setting.allCases.map { setting in
            EffectiveSetting(
                setting: setting,
                value: self.text(setting),
                place: self.place(of: setting)
            )
        }
    }

    /// The flag, variable or line that sets it.
    func place(of setting: Setting) -> String {
        if self.flags[setting] != nil { return "--\(setting.rawValue)" }
        if self.environment[setting.variable] != nil { return setting.variable }
        if let file, let line = file.settings[setting.rawValue]?.line { return "\(file.path):\(line)" }
        return "default"
    }
}

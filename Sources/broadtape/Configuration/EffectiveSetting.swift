// SPDX-License-Identifier: Apache-2.0

import SafeText

/// The effective value of a setting.
struct EffectiveSetting {
    let setting: Setting
    /// Nil if it is not set and has no default.
    let value: String?
    /// Where the value comes from.
    let place: String

    /// As a line of the YAML file, without secrets.
    var line: String {
        guard let value else { return "# \(self.setting.rawValue): not set" }
        return "\(self.setting.rawValue): \(self.setting.shown(value))  # \(self.place)"
    }
}

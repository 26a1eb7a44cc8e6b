// SPDX-License-Identifier: Apache-2.0

import SafeText

/// A setting as it holds.
struct EffectiveSetting {
    let setting: Setting
    /// Nil where nothing is set and nothing holds by itself.
    let value: String?
    /// Where it was said.
    let place: String

    /// As a line of the YAML file; nothing secret is shown.
    var line: String {
        guard let value else { return "# \(self.setting.rawValue): not set" }
        return "\(self.setting.rawValue): \(self.setting.shown(value))  # \(self.place)"
    }
}

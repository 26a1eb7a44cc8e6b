// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A setting as it holds.
struct EffectiveSetting {
    /// Stands for a secret.
    static let hidden = "********"

    let setting: Setting
    /// Nil where nothing is set and nothing holds by itself.
    let value: String?
    /// Where it was said.
    let place: String

    /// As a line of the YAML file; passwords in addresses are not shown.
    var line: String {
        guard let value else { return "# \(self.setting.rawValue): not set" }
        return "\(self.setting.rawValue): \(Self.withoutPassword(value))  # \(self.place)"
    }

    /// `scheme://user:password@host` without the password.
    static func withoutPassword(_ text: String) -> String {
        guard let scheme = text.range(of: "://"), let at = text[scheme.upperBound...].lastIndex(of: "@"),
            let colon = text[scheme.upperBound..<at].firstIndex(of: ":")
        else { return text }
        return text[...colon] + Self.hidden + text[at...]
    }
}

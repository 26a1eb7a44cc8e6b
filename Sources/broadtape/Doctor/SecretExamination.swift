// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Checks the permissions of secret files.
struct SecretExamination {
    /// Settings and the files they name.
    let files: [(setting: Setting, path: String)]

    var findings: [Finding] {
        self.files.compactMap { setting, path in
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
                let permissions = (attributes[.posixPermissions] as? NSNumber)?.intValue
            else { return nil }
            return permissions & 0o077 == 0
                ? .good(setting.rawValue, path)
                : .warning(setting.rawValue, "\(path) can be read by others on this machine: chmod 600")
        }
    }
}

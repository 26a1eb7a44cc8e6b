// SPDX-License-Identifier: Apache-2.0

import Logging

enum Quiet {
    static let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
}

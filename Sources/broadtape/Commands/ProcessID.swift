// SPDX-License-Identifier: Apache-2.0

import Foundation

/// This process, as operators name it.
enum ProcessID {
    static var current: Int32 { ProcessInfo.processInfo.processIdentifier }
}

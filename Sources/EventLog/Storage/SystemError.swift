// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What a system call left in `errno`.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    package let code: Int32

    package init(code: Int32) {
        self.code = code
    }

    /// To be read right after the call that failed.
    package static var current: SystemError {
        SystemError(code: errno)
    }

    package var description: String {
        unsafe strerror(self.code).map { unsafe String(cString: $0) } ?? "error \(self.code)"
    }
}

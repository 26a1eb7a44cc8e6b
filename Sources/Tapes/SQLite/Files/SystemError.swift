// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What a system call left in `errno`.
struct SystemError: Error, Equatable, CustomStringConvertible {
    let code: Int32

    /// To be read right after the call that failed.
    static var current: SystemError {
        SystemError(code: errno)
    }

    var description: String {
        unsafe strerror(self.code).map { unsafe String(cString: $0) } ?? "error \(self.code)"
    }
}

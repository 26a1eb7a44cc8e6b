// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The limit on open files of this process.
enum Descriptors {
    /// Raises the limit as far as it takes and the system allows.
    static func require(_ needed: Int) throws(RunError) {
        var limit = rlimit()
        #if canImport(Darwin)
        let resource = RLIMIT_NOFILE
        #else
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #endif
        guard unsafe getrlimit(resource, &limit) == 0 else { return }
        if limit.rlim_cur >= rlim_t(needed) { return }
        limit.rlim_cur = min(rlim_t(needed), limit.rlim_max)
        guard unsafe setrlimit(resource, &limit) == 0, limit.rlim_cur >= rlim_t(needed) else {
            throw .descriptors(needed: needed, limit: Int(clamping: limit.rlim_max))
        }
    }
}

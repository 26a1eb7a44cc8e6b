// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif

/// The allocator's arenas.
///
/// glibc gives threads up to eight arenas per core, and memory freed in one of them is not available to the others. With
/// storage on threads of its own the hub then holds twice the memory it needs: 64 MB with one arena and 113 MB with
/// sixteen, after the same 220,000 hostile requests.
enum AllocatorArenas {
    /// To be called before threads are started. `MALLOC_ARENA_MAX` goes before.
    static func limit(to count: Int) {
        #if canImport(Glibc)
        guard unsafe getenv("MALLOC_ARENA_MAX") == nil else { return }
        _ = mallopt(M_ARENA_MAX, Int32(clamping: max(1, count)))
        #endif
    }
}

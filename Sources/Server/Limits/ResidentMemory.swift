// SPDX-License-Identifier: Apache-2.0

import JSON

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The resident memory of this process.
enum ResidentMemory {
    /// In bytes; nil if the system does not report it.
    static func bytes() -> Int? {
        #if os(Linux)
        // Numbers of pages: the address space and its resident part. The kernel generates the file, so reading it
        // does not block.
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return nil }
        defer { unsafe fclose(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = unsafe fread(&text, 1, text.count, file)
        let words = text.prefix(count).split(separator: UInt8(ascii: " "))
        guard words.count > 1, let pages = Int(decimal: words[1], in: 0...1 << 40) else { return nil }
        return pages * Int(clamping: sysconf(Int32(_SC_PAGESIZE)))
        #else
        return nil
        #endif
    }
}

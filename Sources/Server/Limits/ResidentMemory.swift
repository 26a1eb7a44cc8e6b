// SPDX-License-Identifier: Apache-2.0

import JSON

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The memory of this process that stands in RAM.
enum ResidentMemory {
    /// In bytes; nil where the system does not tell.
    static func bytes() -> Int? {
        #if os(Linux)
        // Two numbers of pages: the address space, and what of it is resident. The file is made by the kernel, so
        // reading it waits for nothing.
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

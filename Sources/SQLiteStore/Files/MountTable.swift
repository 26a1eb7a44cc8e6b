// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What is mounted where.
enum MountTable {
    /// Whether a path is where something is mounted, as far as the system tells.
    ///
    /// Lines of `/proc/self/mountinfo` have the place in their fifth field, with blanks and such in octal (proc(5)).
    static func hasMount(at path: String) -> Bool {
        guard let table = FileManager.default.contents(atPath: "/proc/self/mountinfo") else { return false }
        var place: [UInt8] = []
        for byte in path.utf8 {
            if [0x20, 0x09, 0x0A, 0x5C].contains(byte) {
                let octal = String(byte, radix: 8)
                place += Array(("\\" + String(repeating: "0", count: 3 - octal.count) + octal).utf8)
            } else {
                place.append(byte)
            }
        }
        return table.split(separator: UInt8(ascii: "\n")).contains { line in
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            return fields.count > 4 && fields[4].elementsEqual(place)
        }
    }
}

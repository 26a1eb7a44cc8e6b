// SPDX-License-Identifier: Apache-2.0

import Foundation
import JSON

/// A process whose time and memory are measured: a number, or a file that holds one, which is read again each time.
package struct ProcessReference: Sendable, Equatable, CustomStringConvertible {
    private enum Place: Sendable, Equatable {
        case number(Int)
        case file(String)
    }

    private let place: Place

    /// Reads `1234` or `@hub.pid`.
    package init?(_ text: some StringProtocol) {
        if text.hasPrefix("@") {
            guard text.count > 1 else { return nil }
            self.place = .file(String(text.dropFirst()))
        } else {
            guard let number = Int(decimal: text, in: 1...Int(Int32.max)) else { return nil }
            self.place = .number(number)
        }
    }

    /// As it is given on the command line.
    package var description: String {
        switch self.place {
        case .number(let number): String(number)
        case .file(let path): "@\(path)"
        }
    }

    /// The process's number; nil where the file does not hold one.
    var identifier: Int? {
        switch self.place {
        case .number(let number):
            return number
        case .file(let path):
            let text = try? String(contentsOfFile: path, encoding: .utf8)
            return text.flatMap {
                Int(decimal: $0.trimmingCharacters(in: .whitespacesAndNewlines), in: 1...Int(Int32.max))
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import JSON

/// How fast a trace is replayed.
package enum Speed: Sendable, Equatable, CustomStringConvertible {
    /// At the recorded times, so many times faster.
    case times(Double)
    /// As fast as events are acknowledged.
    case max

    /// Reads `1`, `10`, `0.5`, `10x` or `max`.
    package init?(_ text: String) {
        if text == "max" {
            self = .max
            return
        }
        let number = text.hasSuffix("x") ? text.dropLast() : text[...]
        guard let factor = Double(decimal: number, in: 0.001...1_000_000) else { return nil }
        self = .times(factor)
    }

    /// As it is given on the command line.
    package var description: String {
        switch self {
        case .max: "max"
        case .times(let factor): factor == factor.rounded() ? String(Int(clamping: factor, to: .seq)) : String(factor)
        }
    }
}

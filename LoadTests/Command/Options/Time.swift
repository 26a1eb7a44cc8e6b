// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JSON

/// A length of time on the command line: `500ms`, `60s`, `2m` or `1h`; a number alone is seconds.
struct Time: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    /// At most a day.
    init?(argument text: String) {
        let units: [(suffix: String, milliseconds: Int)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
        let unit = units.first { text.hasSuffix($0.suffix) } ?? ("", 1000)
        let digits = text.dropLast(unit.suffix.count)
        guard let number = Int(decimal: digits, in: 0...86_400_000 / unit.milliseconds) else { return nil }
        self.duration = .milliseconds(number * unit.milliseconds)
    }

    var defaultValueDescription: String {
        "\(self.duration.components.seconds)s"
    }
}

// SPDX-License-Identifier: Apache-2.0

import JSON
import Terminal

/// One number that a scenario measured.
package struct Figure: Sendable, Equatable {
    /// Its name in JSON.
    package var name: String
    /// Its name in the table.
    package var label: String
    package var value: Double
    /// What follows the number in the table.
    package var unit: String
    /// Digits after the point.
    package var digits: Int

    package init(_ name: String, _ label: String, _ value: Double, _ unit: String = "", digits: Int = 0) {
        self.name = name
        self.label = label
        self.value = value
        self.unit = unit
        self.digits = digits
    }

    package init(_ name: String, _ label: String, _ value: Int, _ unit: String = "") {
        self.init(name, label, Double(value), unit)
    }

    /// The number as it is shown in the table.
    var text: String {
        let number =
            self.digits == 0
            ? Text.grouped(Int(clamping: self.value, to: -Int.maxSafe...Int.maxSafe))
            : Text.decimal(self.value, digits: self.digits)
        return self.unit.isEmpty ? number : "\(number) \(self.unit)"
    }
}

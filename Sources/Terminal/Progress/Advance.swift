// SPDX-License-Identifier: Apache-2.0

/// The progress of something that takes time.
package struct Advance: Sendable, Equatable {
    /// The activity, such as `verifying`. Another one begins a new measurement.
    package var label: String
    package var done: Int
    /// How much there is to do, where that is known.
    package var total: Int?
    /// What is counted, such as `events`.
    package var unit: String
    /// What else is worth knowing.
    package var note: String

    package init(_ label: String, done: Int, of total: Int? = nil, unit: String, note: String = "") {
        self.label = label
        self.done = done
        self.total = total
        self.unit = unit
        self.note = note
    }
}

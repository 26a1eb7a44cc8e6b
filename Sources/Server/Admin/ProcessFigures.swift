// SPDX-License-Identifier: Apache-2.0

/// Metrics of the process that the hub itself does not have.
package struct ProcessFigures: Sendable {
    let descriptors: Descriptors
    let droppedLogLines: @Sendable () -> Int

    package init(descriptors: Descriptors, droppedLogLines: @escaping @Sendable () -> Int) {
        self.descriptors = descriptors
        self.droppedLogLines = droppedLogLines
    }
}

// SPDX-License-Identifier: Apache-2.0

import LoadKit
import Terminal

/// The standard error: errors and progress.
final class Output: Sendable {
    private let progress: ProgressOutput

    init(_ options: TargetOptions) {
        self.progress = ProgressOutput(isQuiet: options.quiet)
    }

    func show(_ headway: Headway) {
        self.progress.show(headway.advance)
    }

    /// Takes a changing line away.
    func clear() {
        self.progress.clear()
    }

    func printError(_ text: String) {
        self.progress.say("broadtape-load: \(text)")
    }
}

// SPDX-License-Identifier: Apache-2.0

import LoadKit
import Terminal

/// The standard error: complaints, and how things go.
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

    func complain(_ text: String) {
        self.progress.say("broadtape-load: \(text)")
    }
}

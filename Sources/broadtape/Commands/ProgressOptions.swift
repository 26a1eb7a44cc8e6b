// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Terminal

/// Whether a long-running command shows its progress.
struct ProgressOptions: ParsableArguments {
    @Flag(help: "Do not show progress.")
    var quiet = false

    /// Where progress is shown.
    var output: ProgressOutput {
        ProgressOutput(isQuiet: self.quiet)
    }
}

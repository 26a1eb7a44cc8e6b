// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Terminal

/// Whether a command that takes its time tells how far it is.
struct ProgressOptions: ParsableArguments {
    @Flag(help: "Do not tell how far it is.")
    var quiet = false

    /// Where that is told.
    var output: ProgressOutput {
        ProgressOutput(isQuiet: self.quiet)
    }
}

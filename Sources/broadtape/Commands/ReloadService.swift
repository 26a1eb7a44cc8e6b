// SPDX-License-Identifier: Apache-2.0

import Server
import ServiceLifecycle
import UnixSignals

/// Reloads changed files, as a service of the process; SIGHUP reloads all of them.
struct ReloadService: Service, CustomStringConvertible {
    let description = "reload"
    let reloader: Reloader
    /// SIGHUP, already trapped: it must not end the process even if there is nothing to reload.
    let hangUps: UnixSignalsSequence

    func run() async {
        await cancelWhenGracefulShutdown {
            await self.reloader.run(requests: self.hangUps.map { _ in })
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Server
import ServiceLifecycle
import UnixSignals

/// What looks after changed files as a part of the process's life; SIGHUP has all of them read again.
struct ReloadService: Service, CustomStringConvertible {
    let description = "reload"
    let reloader: Reloader
    /// SIGHUP, trapped already: where there is nothing to read again it must not end the process either.
    let hangUps: UnixSignalsSequence

    func run() async {
        await cancelWhenGracefulShutdown {
            await self.reloader.run(requests: self.hangUps.map { _ in })
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Server
import ServiceLifecycle
import UnixSignals

/// What looks after changed files as a part of the process's life; SIGHUP has all of them read again.
struct ReloadService: Service, CustomStringConvertible {
    let description = "reload"
    let reloader: Reloader

    func run() async {
        await cancelWhenGracefulShutdown {
            let signals = await UnixSignalsSequence(trapping: .sighup)
            await self.reloader.run(requests: signals.map { _ in })
        }
    }
}

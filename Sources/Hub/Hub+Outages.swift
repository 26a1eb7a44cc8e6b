// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging

/// How a node notices that the tape is away, and that it is back, without a publisher trying.
extension Hub {
    /// Probes the tape periodically, until the task is cancelled.
    func watchTape() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                // Beside the probe, which may not come back for long.
                while (try? await Task.sleep(for: self.configuration.probe)) != nil {
                    self.watch.check()
                }
            }
            while (try? await Task.sleep(for: self.configuration.probe)) != nil {
                await self.probeTape()
            }
        }
    }

    /// Asks the tape for a sign of life.
    package func probeTape() async {
        self.watch.probing()
        do throws(TapeFault) {
            try await self.tape.probe()
            self.watch.probed(nil)
        } catch {
            self.watch.probed(error)
            self.logger.debug("the tape does not answer", metadata: ["fault": "\(error)"])
        }
    }

    /// How the tape is, as far as the last attempts tell.
    package var tapeState: TapeHealth.State { self.watch.state }

    /// Why events cannot be committed, for operators; empty while they can.
    package var trouble: String { self.watch.trouble }

    /// The service status that sessions are sent at present.
    package var notice: Notice {
        self.board.current
    }
}

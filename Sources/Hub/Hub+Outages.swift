// SPDX-License-Identifier: Apache-2.0

import EventLog
import Logging

/// How a node detects that the tape is unavailable, and that it is available again, without a publish request.
extension Hub {
    /// Probes the tape periodically until the task is cancelled.
    func watchTape() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                // Runs in parallel with the probe, which may take long to return.
                while (try? await Task.sleep(for: self.configuration.probe)) != nil {
                    self.monitor.check()
                }
            }
            while (try? await Task.sleep(for: self.configuration.probe)) != nil {
                await self.probeTape()
            }
        }
    }

    /// Probes the tape once.
    package func probeTape() async {
        self.monitor.probing()
        do throws(TapeFault) {
            try await self.tape.probe()
            self.monitor.probed(nil)
        } catch {
            self.monitor.probed(error)
            self.logger.debug("the tape does not answer", metadata: ["fault": "\(error)"])
        }
    }

    /// The state of the tape, according to the last attempts.
    package var tapeState: TapeHealth.State { self.monitor.state }

    /// Why events cannot be committed, for operators; empty if they can.
    package var trouble: String { self.monitor.trouble }

    /// The service status currently sent to clients.
    package var notice: Notice {
        self.statusBroadcaster.current
    }
}

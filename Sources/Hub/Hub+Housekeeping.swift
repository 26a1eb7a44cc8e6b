// SPDX-License-Identifier: Apache-2.0

package import EventLog
import Logging

/// Periodic maintenance.
extension Hub {
    /// Maximum number of events removed in one transaction.
    private static let pruneBatch = 500

    /// Enforces retention and removes idle channels until the task is cancelled.
    func runMaintenance() async {
        while (try? await Task.sleep(for: self.configuration.housekeeping)) != nil {
            await self.prune(now: .now)
            await self.forgetRevocations(now: .now)
            await self.audit.prune(now: .now)
            let removed = await self.registry.removeIdle()
            self.logger.debug("removed idle channels", metadata: ["channels": "\(removed)"])
        }
    }

    /// Removes events older than their type's retention, one batch at a time so that publishing continues in between.
    package func prune(now: Timestamp) async {
        for type in self.types.all {
            guard let retention = type.retention else { continue }
            var removed = Self.pruneBatch
            var total = 0
            while removed == Self.pruneBatch, !Task.isCancelled {
                do throws(TapeFault) {
                    removed = try await self.tape.prune(
                        type: type.name,
                        acceptedBefore: now.advanced(by: .zero - retention),
                        limit: Self.pruneBatch
                    )
                    total += removed
                } catch {
                    self.logger.warning("retention is behind", metadata: ["type": "\(type.name)", "fault": "\(error)"])
                    break
                }
            }
            if total > 0 {
                self.logger.info("retention", metadata: ["type": "\(type.name)", "removed": "\(total)"])
                await self.refreshFirst(of: self.registry.channels(ofType: type.name))
            }
        }
    }

    /// Updates the oldest retained number of channels in memory, so that expired cursors are rejected immediately.
    private func refreshFirst(of channels: [EventChannel]) async {
        do throws(TapeFault) {
            let extents = try await self.tape.extents(of: channels.map(\.name))
            await self.registry.pruned(channels, to: extents)
        } catch {
            self.logger.debug("extents could not be read", metadata: ["fault": "\(error)"])
        }
    }
}

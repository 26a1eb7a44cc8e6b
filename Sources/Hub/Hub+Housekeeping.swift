// SPDX-License-Identifier: Apache-2.0

import Logging

/// What is done now and then.
extension Hub {
    /// Events removed by one transaction.
    private static let pruneBatch = 500

    /// Enforces retention and gives up idle channels until the task is cancelled.
    func keepHouse() async {
        while (try? await Task.sleep(for: self.configuration.housekeeping)) != nil {
            await self.prune(now: .now)
            let retired = self.registry.retireIdle()
            self.logger.debug("gave up idle channels", metadata: ["channels": "\(retired)"])
        }
    }

    /// Removes what is older than its type's retention, a batch at a time so that publishing goes on in between.
    package func prune(now: Timestamp) async {
        for type in self.types.all {
            guard let retention = type.retention else { continue }
            var removed = Self.pruneBatch
            while removed == Self.pruneBatch, !Task.isCancelled {
                do throws(TapeFault) {
                    removed = try await self.tape.prune(
                        type: type.name,
                        acceptedBefore: now.advanced(by: .zero - retention),
                        limit: Self.pruneBatch
                    )
                } catch {
                    self.logger.warning("retention is behind", metadata: ["type": "\(type.name)", "fault": "\(error)"])
                    break
                }
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore

/// How a node learns of commits that no message told it of.
extension Hub {
    /// Channels asked after in one read.
    private static let headsBatch = 1000

    /// Looks for untold commits once a heartbeat, until the task is cancelled.
    func watchHeads() async {
        while (try? await Task.sleep(for: self.configuration.roster.heartbeat)) != nil {
            await self.refreshHeads()
        }
    }

    /// Compares the heads of the channels in memory with the tape's, unless no other node writes to it: a lost message
    /// on a quiet channel is noticed here.
    package func refreshHeads() async {
        guard self.bus.reach != .alone else { return }
        let channels = self.registry.channels
        for start in stride(from: 0, to: channels.count, by: Self.headsBatch) {
            let batch = channels[start..<min(start + Self.headsBatch, channels.count)]
            do throws(TapeFault) {
                let extents = try await self.tape.extents(of: batch.map(\.name))
                let risen = batch.compactMap { channel in
                    extents[channel.name].map { (channel: channel, head: $0.head) }
                }.filter { $0.head > ($0.channel.tail.extent?.head ?? .max) }
                guard !risen.isEmpty else { continue }
                await self.onWriterLoop { self.fanout.tellHeads(risen) }
            } catch {
                self.logger.warning("heads could not be read", metadata: ["fault": "\(error)"])
                return
            }
        }
    }

    /// Does something where channels live, and returns when it is done.
    func onWriterLoop(_ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            self.writer.loop.execute {
                work()
                continuation.resume()
            }
        }
    }
}

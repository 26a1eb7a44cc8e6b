// SPDX-License-Identifier: Apache-2.0

package import EventLog
import JSON
package import NIOCore

/// Periodic work of the session shard.
extension SessionShard {
    /// Ticks between two retries of stalled reads while the tape is unavailable.
    private static let pausedTicks = 5

    /// Checks every session: sends due heartbeats, and closes dead connections and those past a deadline. Called about
    /// once a second.
    package func tick(now: Timestamp, uptime: NIODeadline) {
        for member in self.members.values {
            if let reason = self.reasonToClose(member, now: now, uptime: uptime) {
                if case .slowConsumer = reason { self.closedSlowConsumers += 1 }
                member.transport.close(reason)
            } else if member.nextBeat <= now {
                member.nextBeat = now.advanced(by: self.limits.heartbeat)
                self.beat(member, now: now)
            }
        }
        // While the tape is unavailable, retrying every read every second is pointless.
        self.stalledTicks += 1
        guard !self.notice.isPaused || self.stalledTicks >= Self.pausedTicks else { return }
        self.stalledTicks = 0
        self.retryStalled()
    }

    /// Interval between two measurements of the loop's lag.
    package static let probeInterval = TimeAmount.milliseconds(250)

    /// Measures the loop's lag; scheduled every ``probeInterval``.
    package func probe(uptime: NIODeadline) {
        if let probed {
            let lag = max(.zero, uptime - probed - Self.probeInterval)
            self.counted.lag.observe(lag)
            // One fast iteration of the loop does not offset a slow one.
            self.recentLag = max(lag, .nanoseconds(self.recentLag.nanoseconds / 2))
        }
        self.probed = uptime
    }

    private func reasonToClose(_ member: OutboundSession, now: Timestamp, uptime: NIODeadline) -> CloseReason? {
        if let deadline = member.authenticationDeadline, deadline <= now {
            return .notAuthenticated("neither authenticated nor subscribed within \(self.limits.authentication)")
        }
        if let expires = member.principal?.expires, expires <= now {
            return .tokenExpired
        }
        // Checked before the silence: a client that does not read does not answer pings either.
        if let limit = self.limits.slowConsumer, self.isSlow(member, limit: TimeAmount(limit), uptime: uptime) {
            return .slowConsumer(limit: limit)
        }
        let silence = TimeAmount(self.limits.silence)
        if uptime - member.transport.lastHeard > silence {
            return .heartbeatTimeout
        }
        return nil
    }

    private func isSlow(_ member: OutboundSession, limit: TimeAmount, uptime: NIODeadline) -> Bool {
        let isWritable = member.transport.isWritable
        // The subscriptions are searched only for the few connections that are not writable.
        let isHoldingUp = !isWritable && member.hasEventsWaiting
        return member.slowReading.observe(isWritable: isWritable, hasEventsWaiting: isHoldingUp, now: uptime) > limit
    }

    /// Sends a heartbeat with the heads that have moved, so that a client knows whether it is behind, and a ping.
    private func beat(_ member: OutboundSession, now: Timestamp) {
        self.writeHeartbeat(to: member, now: now)
        member.transport.ping()
    }

    func writeHeartbeat(to member: OutboundSession, now: Timestamp) {
        member.sentNotice = self.notice(to: member)
        var heads: [(ChannelName, Int)] = []
        for subscription in member.subscriptions.values {
            let head = subscription.local.state.head
            guard head > subscription.sentHead else { continue }
            subscription.sentHead = head
            heads.append((subscription.channel.name, head))
        }
        let message = ServerMessage.heartbeat(
            time: now,
            heads: heads.sorted { $0.0 < $1.0 },
            isPaused: member.sentNotice.isPaused,
            stale: member.sentNotice.stale
        )
        self.write(self.framing.frame(message.encoded()), to: member)
    }

    /// Sends goodbye to a fraction of the sessions and closes them.
    /// - Parameters:
    ///   - fraction: The fraction of sessions to close; at least one is closed.
    ///   - spread: The time over which the closed clients are asked to spread their reconnects.
    /// - Returns: The number of sessions before the call.
    @discardableResult
    package func disconnect(_ fraction: Double, spread: Duration) -> Int {
        let sessions = self.members.count
        let leaving = Int(clamping: (Double(sessions) * fraction).rounded(.up), to: 0...sessions)
        let longest = max(0, spread.wholeMilliseconds)
        for member in Array(self.members.values.prefix(leaving)) {
            let reconnectAfter = Int.random(in: 0...longest)
            let message = ServerMessage.goodbye(reason: "draining", reconnectAfter: reconnectAfter)
            member.transport.write(self.framing.frame(message.encoded()))
            member.session.assumeIsolated { $0.close(.draining(reconnectAfter: reconnectAfter)) }
        }
        return sessions
    }
}

// SPDX-License-Identifier: Apache-2.0

import DequeModule
import EventLog
import NIOCore

/// How subscriptions that are behind catch up, after slow reading, resumes and gaps.
extension SessionShard {
    /// The pause between two ticks of replay, for other work on the loop.
    private static let pause = TimeAmount.microseconds(50)

    /// A connection is writable again.
    func becameWritable(_ member: OutboundSession) {
        member.slowReading.madeRoom()
        self.queueTurn(of: member)
    }

    func queueTurn(of member: OutboundSession) {
        guard !member.isQueued, !member.behind.isEmpty, member.transport.isWritable else { return }
        member.isQueued = true
        self.turns.append(member)
        guard !self.isTurnScheduled else { return }
        self.isTurnScheduled = true
        self.execute { $0.takeTurns() }
    }

    private func takeTurns() {
        var budget = self.limits.replayBytesPerTick
        while budget > 0, let member = self.turns.popFirst() {
            member.isQueued = false
            budget -= self.takeTurn(of: member)
        }
        self.isTurnScheduled = !self.turns.isEmpty
        guard self.isTurnScheduled else { return }
        // A task that reschedules itself directly would starve the loop's sockets; a timer does not.
        self.schedule(in: Self.pause) { $0.takeTurns() }
    }

    /// - Returns: The number of bytes written, plus a small cost for each subscription checked.
    private func takeTurn(of member: OutboundSession) -> Int {
        var spent = 0
        var looks = member.behind.count
        while looks > 0, spent < self.limits.replayBytesPerTurn, let subscription = member.behind.popFirst() {
            looks -= 1
            spent += 64
            let local = subscription.local
            switch subscription.cursor.turn(head: local.state.head, isWritable: member.transport.isWritable) {
            case .wait:
                if !subscription.cursor.isReading { member.behind.append(subscription) }
            case .live:
                break
            case .caughtUp(let seq):
                let message = ServerMessage.caughtUp(channel: subscription.channel.name, seq: seq)
                self.write(self.framing.frame(message.encoded()), to: member)
            case .read(let seq):
                if let (frames, last) = local.state.frames(after: seq, compressed: member.transport.takesCompressedRuns)
                {
                    self.counted.ringPages += 1
                    self.writeRun(frames, to: member)
                    subscription.cursor.wrote(through: last)
                    spent += frames.readableBytes
                    looks += 1
                    member.behind.append(subscription)
                } else {
                    self.read(after: seq, for: subscription)
                }
            case .conflate(let seq):
                if let entries = local.state.newest(from: seq), !entries.isEmpty {
                    spent += self.writeNewest(entries, to: subscription)
                    if let interval = subscription.interval {
                        self.rest(subscription, for: interval)
                    } else {
                        looks += 1
                        member.behind.append(subscription)
                    }
                } else {
                    self.read(after: seq - 1, for: subscription)
                }
            }
        }
        self.queueTurn(of: member)
        return spent
    }

    /// Writes the newest entry of each slot, each with the number of events skipped before it.
    private func writeNewest(_ entries: [TapeEntry], to subscription: Subscription) -> Int {
        var bytes = 0
        for entry in entries {
            let frame = subscription.channel.encoder.frame(
                .event,
                entry,
                skipped: entry.seq - subscription.cursor.next
            )
            self.write(frame, to: subscription.member)
            subscription.cursor.wrote(through: entry.seq)
            bytes += frame.readableBytes
        }
        return bytes
    }

    private func read(after seq: Int, for subscription: Subscription) {
        let member = subscription.member
        guard member.reads < self.limits.readsPerMember else {
            member.waitingToRead.append(subscription)
            return
        }
        let bound = NIOLoopBound(member, eventLoop: self.loop)
        let channel = subscription.channel
        let reader = self.reader
        let compressed = member.transport.takesCompressedRuns
        let isStarted = self.nursery.start {
            let result: Result<ReplayPage, TapeFault>
            do throws(TapeFault) {
                let page = try await reader.page(of: channel, after: seq)
                if compressed { await page.run?.compressAhead() }
                result = .success(page)
            } catch {
                result = .failure(error)
            }
            await self.arrived(result, of: channel, for: bound)
        }
        guard isStarted else {
            self.stalled.append(subscription)
            return
        }
        subscription.cursor.startedReading()
        member.reads += 1
    }

    /// A page was read, or could not be.
    private func arrived(
        _ result: Result<ReplayPage, TapeFault>,
        of channel: EventChannel,
        for bound: NIOLoopBound<OutboundSession>
    ) {
        let member = bound.value
        guard !member.isEnded else { return }
        member.reads -= 1
        member.behind.append(contentsOf: member.waitingToRead)
        member.waitingToRead = []
        guard let subscription = member.subscriptions[channel.name], subscription.channel === channel,
            subscription.cursor.isReading
        else { return self.queueTurn(of: member) }
        subscription.cursor.finishedReading()
        switch result {
        case .failure:
            self.stalled.append(subscription)
        case .success(let page) where page.first > subscription.cursor.next:
            // Retention has passed the cursor meanwhile: the gap must be reported.
            self.leave(member, channel: channel.name)
            let message = ServerMessage.error(
                id: nil,
                code: .cursorExpired,
                message: "events before \(page.first) are no longer retained; the subscription has ended",
                channel: channel.name.description
            )
            self.write(self.framing.frame(message.encoded()), to: member)
        case .success(let page):
            let compressed = member.transport.takesCompressedRuns
            if let run = page.run,
                let frames = run.frames(from: subscription.cursor.next, compressed: compressed)
            {
                self.writeRun(frames, to: member)
                subscription.cursor.wrote(through: run.last)
                member.behind.append(subscription)
            } else {
                self.stalled.append(subscription)
            }
        }
        self.queueTurn(of: member)
    }

    /// Pauses a subscription until its interval has passed; it remains behind meanwhile.
    private func rest(_ subscription: Subscription, for interval: TimeAmount) {
        subscription.isResting = true
        let bound = NIOLoopBound(subscription, eventLoop: self.loop)
        self.schedule(in: interval) { $0.rested(bound.value) }
    }

    private func rested(_ subscription: Subscription) {
        guard subscription.isAttached, subscription.isResting else { return }
        subscription.isResting = false
        subscription.member.behind.append(subscription)
        self.queueTurn(of: subscription.member)
    }

    /// Retries the subscriptions whose reads have failed.
    func retryStalled() {
        let subscriptions = self.stalled
        self.stalled = []
        for subscription in subscriptions where subscription.isAttached {
            subscription.member.behind.append(subscription)
            self.queueTurn(of: subscription.member)
        }
    }
}

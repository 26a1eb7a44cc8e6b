// SPDX-License-Identifier: Apache-2.0

/// Reads from the tape on behalf of many: what several want is read once, and channels are opened by the batch.
package actor TapeReader {
    private struct PageKey: Hashable {
        var channel: ChannelName
        var after: Int
    }

    private let tape: any Tape
    private let pageLimit: PageLimit
    private var pages: [PageKey: [CheckedContinuation<Result<ReplayPage, TapeFault>, Never>]] = [:]
    private var unopened: [ChannelName: EventChannel] = [:]
    private var openWaiters: [CheckedContinuation<TapeFault?, Never>] = []
    private var isOpening = false

    /// Channels opened by one read.
    private static let openBatch = 500

    /// - Parameter pageLimit: How much one page of a replay holds.
    package init(tape: any Tape, pageLimit: PageLimit) {
        self.tape = tape
        self.pageLimit = pageLimit
    }

    /// Frames of the events after a number; one read serves all that ask for the same page meanwhile.
    package func page(of channel: EventChannel, after seq: Int) async throws(TapeFault) -> ReplayPage {
        let key = PageKey(channel: channel.name, after: seq)
        if self.pages[key] != nil {
            return try await withCheckedContinuation { self.pages[key, default: []].append($0) }.get()
        }
        self.pages[key] = []
        let result: Result<ReplayPage, TapeFault>
        do throws(TapeFault) {
            let page = try await self.tape.page(of: channel.name, after: seq, limit: self.pageLimit)
            result = .success(ReplayPage(run: channel.encoder.run(page.entries), extent: page.extent))
        } catch {
            result = .failure(error)
        }
        for waiter in self.pages.removeValue(forKey: key) ?? [] {
            waiter.resume(returning: result)
        }
        return try result.get()
    }

    /// Reads head and newest entries of channels that have not been read yet. Requests that come in while one read is
    /// under way share the next.
    package func open(_ channels: [EventChannel]) async throws(TapeFault) {
        for channel in channels where channel.tail.extent == nil {
            self.unopened[channel.name] = channel
        }
        while self.isOpening {
            if let fault = await withCheckedContinuation({ self.openWaiters.append($0) }) { throw fault }
            if channels.allSatisfy({ $0.tail.extent != nil }) { return }
        }
        self.isOpening = true
        var fault: TapeFault?
        while fault == nil, !self.unopened.isEmpty {
            let batch = self.unopened.prefix(Self.openBatch).map(\.value)
            for channel in batch {
                self.unopened[channel.name] = nil
            }
            do throws(TapeFault) {
                let pages = try await self.tape.latest(of: batch.map(\.name))
                for channel in batch {
                    if let page = pages[channel.name] { channel.tail.opened(page) }
                }
            } catch {
                fault = error
            }
        }
        if fault != nil {
            self.unopened.removeAll()
        }
        self.isOpening = false
        let waiters = self.openWaiters
        self.openWaiters = []
        for waiter in waiters {
            waiter.resume(returning: fault)
        }
        if let fault { throw fault }
    }
}

/// A page of a replay, encoded.
package struct ReplayPage: Sendable {
    /// Nil when there is nothing after the number asked for.
    package let run: FrameRun?
    /// The channel as it was in the same read.
    package let extent: Extent
}

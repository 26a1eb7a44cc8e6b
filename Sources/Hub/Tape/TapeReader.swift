// SPDX-License-Identifier: Apache-2.0

package import EventLog
import NIOCore
import Synchronization

/// Reads from the tape for many readers: concurrent requests for the same page share one read, and channels are opened
/// in batches.
package actor TapeReader {
    private struct PageKey: Hashable {
        var channel: ChannelName
        var after: Int
    }

    private struct Opening {
        let channel: EventChannel
        var waiters: [OpenWaiter] = []
    }

    /// A caller that waits for several channels to be opened.
    private final class OpenWaiter {
        private var channels: Int
        private var continuation: CheckedContinuation<TapeFault?, Never>?

        init(channels: Int, continuation: CheckedContinuation<TapeFault?, Never>) {
            self.channels = channels
            self.continuation = continuation
        }

        /// One of the channels was opened, or could not be. The first fault is reported immediately.
        func settled(_ fault: TapeFault?) {
            self.channels -= 1
            guard fault != nil || self.channels == 0 else { return }
            self.continuation?.resume(returning: fault)
            self.continuation = nil
        }
    }

    private let tape: any Tape
    private let registry: ChannelRegistry
    private let nursery: Nursery
    private let pageLimit: PageLimit
    private var pages: [PageKey: [CheckedContinuation<Result<ReplayPage, TapeFault>, Never>]] = [:]
    private var cache: PageCache
    private nonisolated let pageReads = Atomic<Int>(0)
    private var unopened: [ObjectIdentifier: Opening] = [:]
    private var isOpening = false

    /// Maximum number of channels opened by one read.
    private static let openBatch = 500

    /// - Parameters:
    ///   - pageLimit: Maximum size of one page of a replay.
    ///   - cacheBytes: Size of the cache that keeps pages for a short time for other readers.
    package init(
        tape: any Tape,
        registry: ChannelRegistry,
        nursery: Nursery,
        pageLimit: PageLimit,
        cacheBytes: Int = 0
    ) {
        self.registry = registry
        self.cache = PageCache(maxBytes: cacheBytes)
        self.tape = tape
        self.nursery = nursery
        self.pageLimit = pageLimit
    }

    /// Number of pages read from the tape.
    package nonisolated var pageReadCount: Int {
        self.pageReads.load(ordering: .relaxed)
    }

    /// Frames of the events after a number. One read serves all requests for the same page during the read and shortly
    /// after. The run may begin before the requested number.
    package func page(of channel: EventChannel, after seq: Int) async throws(TapeFault) -> ReplayPage {
        if let run = self.cache.run(of: channel.name, after: seq, now: .now()) {
            return ReplayPage(run: run, first: run.first)
        }
        let key = PageKey(channel: channel.name, after: seq)
        if self.pages[key] != nil {
            return try await withCheckedContinuation { self.pages[key, default: []].append($0) }.get()
        }
        self.pages[key] = []
        let result: Result<ReplayPage, TapeFault>
        do throws(TapeFault) {
            self.pageReads.wrappingAdd(1, ordering: .relaxed)
            let page = try await self.tape.page(of: channel.name, after: seq, limit: self.pageLimit)
            let run = channel.encoder.run(page.entries)
            if let run { self.cache.keep(run, of: channel.name, now: .now()) }
            result = .success(ReplayPage(run: run, first: page.extent.first))
        } catch {
            result = .failure(error)
        }
        for waiter in self.pages.removeValue(forKey: key) ?? [] {
            waiter.resume(returning: result)
        }
        return try result.get()
    }

    /// Reads the head and the newest entries of channels. Requests that arrive during a read are combined into the
    /// next one.
    package func open(_ channels: [EventChannel]) async throws(TapeFault) {
        guard !channels.isEmpty else { return }
        let fault = await withCheckedContinuation { continuation in
            let waiter = OpenWaiter(channels: channels.count, continuation: continuation)
            for channel in channels {
                self.unopened[ObjectIdentifier(channel), default: Opening(channel: channel)].waiters.append(waiter)
            }
            guard !self.isOpening else { return }
            self.isOpening = self.nursery.start { await self.openWaiting() }
            if !self.isOpening {
                self.settle(channels.map(ObjectIdentifier.init), .unavailable("too many reads are pending"))
            }
        }
        if let fault { throw fault }
    }

    private func openWaiting() async {
        while !self.unopened.isEmpty {
            let batch = self.unopened.prefix(Self.openBatch).map { $0 }
            var fault: TapeFault?
            do throws(TapeFault) {
                let pages = try await self.tape.latest(of: batch.map(\.value.channel.name))
                await self.registry.opened(
                    batch.compactMap { _, opening in pages[opening.channel.name].map { (opening.channel, $0) } }
                )
            } catch {
                fault = error
            }
            self.settle(batch.map(\.key), fault)
        }
        self.isOpening = false
    }

    private func settle(_ keys: [ObjectIdentifier], _ fault: TapeFault?) {
        for key in keys {
            for waiter in self.unopened.removeValue(forKey: key)?.waiters ?? [] {
                waiter.settled(fault)
            }
        }
    }
}

/// A page of a replay, encoded.
package struct ReplayPage: Sendable {
    /// Nil if there is nothing after the requested number.
    package let run: FrameRun?
    /// The oldest retained number, or a later one that is in memory.
    package let first: Int
}

// SPDX-License-Identifier: Apache-2.0

import EventLog
package import Ingest
import JSON
package import Logging
package import NIOCore
package import WebSocketClient

/// Learns of new blocks over a WebSocket (`eth_subscribe newHeads`) as soon as they appear.
///
/// Only a wake-up: its content is never used, and the follower is correct without it. Polling detects a connection that
/// is open but reports nothing: ``polled(head:)`` with a head that was not reported, twice in a row, closes the
/// connection. A socket that refuses or stays silent backs off while another one is tried, if there is one.
package actor NewHeadsSubscription: LoopActor {
    private static let subscription = #"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#
    /// Polls with an unreported head after which the connection is closed.
    private static let patience = 2

    package nonisolated let loop: any EventLoop
    package nonisolated let endpoints: EndpointPool
    private let connectors: [Connector]
    private let wake: @Sendable () -> Void
    private let logger: Logger
    private var connection: Connection?
    private var waiting: CheckedContinuation<Ending, Never>?
    /// Index of the endpoint that the connection belongs to.
    private var endpoint = 0
    /// Why the node refused the subscription, in its own words.
    private var refusal: String?
    /// Whether this connection has reported a block.
    private var hasReportedBlock = false
    private var reportedHead = 0
    private var misses = 0
    /// Connections that were established.
    package private(set) var connects = 0

    /// - Parameters:
    /// - urls: At least one, in order of preference.
    /// - retry: How long an endpoint backs off after a failure: first and maximum delay.
    /// - wake: Called on the event loop when there is a new block; must not block.
    package init(
        _ urls: [WebSocketURL],
        on loop: any EventLoop,
        retry: ClosedRange<Duration> = .milliseconds(500) ... .seconds(30),
        logger: Logger,
        wake: @escaping @Sendable () -> Void
    ) throws(Ending) {
        self.connectors = try urls.map { url throws(Ending) in try Connector(to: url) }
        var rules = EndpointRotation.Rules.withoutProbes
        rules.rest = retry
        self.endpoints = EndpointPool(urls.map(\.description), rules: rules, logger: logger)
        self.loop = loop
        self.logger = logger
        self.wake = wake
    }

    /// Keeps a connection open until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            switch self.endpoints.choose() {
            case .ask(let index) where self.connectors.indices.contains(index):
                self.endpoint = index
                self.ended(await self.connected(self.connectors[index]), of: index)
            case .ask: return
            case .wait(let rest, _): try? await Task.sleep(for: rest)
            }
        }
    }

    /// Returns when the connection is closed.
    private func connected(_ connector: Connector) async -> Ending {
        (self.refusal, self.hasReportedBlock, self.misses) = (nil, false, 0)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.waiting = continuation
                guard !Task.isCancelled else { return self.ended(.silent(milliseconds: 0)) }
                self.connection = connector.connect(on: self.loop, token: nil, receiver: self)
            }
        } onCancel: {
            self.execute { $0.connection?.close() }
        }
    }

    /// Records the outcome of a connection with its endpoint.
    private func ended(_ ending: Ending, of index: Int) {
        guard !Task.isCancelled else { return }
        if let refusal {
            self.endpoints.failed(index, .refused, "the subscription to new blocks was refused: \(refusal)")
        } else {
            switch ending {
            case .refused(let status, let reason, let after):
                self.endpoints.failed(
                    index,
                    EndpointTrouble(status: status),
                    "it answered \(status) \(reason)",
                    after: after.map { .seconds($0) }
                )
            case .unreachable, .timedOut: self.endpoints.failed(index, .unreachable, "\(ending)")
            case .silent: self.endpoints.failed(index, .unreachable, "connected, but no new blocks are reported")
            default: self.endpoints.failed(index, .unreachable, "\(ending)")
            }
        }
    }

    /// Called after each poll, with the head it found.
    package func polled(head: Int) {
        guard self.connection?.isOpen == true, head > self.reportedHead else {
            self.misses = 0
            return
        }
        self.misses += 1
        guard self.misses >= Self.patience else { return }
        self.misses = 0
        self.logger.notice("the WebSocket no longer reports new blocks", metadata: ["head": "\(head)"])
        self.connection?.abandon(.silent(milliseconds: 0))
    }

    private func opened() {
        self.connects += 1
        self.connection?.send(ByteBuffer(string: Self.subscription))
        // Blocks between the last connection and this one were not reported.
        self.wake()
    }

    private func received(_ text: ByteBuffer) {
        guard let value = try? JSON.Value.parse(Array(text.readableBytesView)) else { return }
        if let error = value["error"], !error.isNull {
            let said = error["message"]?.string.map { String(self.endpoints.redact($0).prefix(200)) }
            self.refusal = said ?? "no reason given"
            self.connection?.close()
            return
        }
        guard value["method"]?.equals("eth_subscription") == true else { return }
        if let number = value["params"]?["result"]?["number"]?.string.flatMap({ Hex.integer($0, in: .seq) }) {
            self.reportedHead = max(self.reportedHead, number)
        }
        self.misses = 0
        if !self.hasReportedBlock {
            self.hasReportedBlock = true
            self.endpoints.succeeded(self.endpoint)
        }
        self.wake()
    }

    private func ended(_ ending: Ending) {
        self.connection = nil
        let reason = self.endpoints.redact("\(ending)")
        self.logger.debug("the WebSocket for new blocks was closed", metadata: ["reason": "\(reason)"])
        self.waiting?.resume(returning: ending)
        self.waiting = nil
    }
}

extension NewHeadsSubscription: ConnectionReceiver {
    package nonisolated func connectionOpened() {
        self.assumeIsolated { $0.opened() }
    }

    package nonisolated func connectionReceived(_ text: ByteBuffer) {
        self.assumeIsolated { $0.received(text) }
    }

    package nonisolated func connectionEnded(_ ending: Ending) {
        self.assumeIsolated { $0.ended(ending) }
    }
}

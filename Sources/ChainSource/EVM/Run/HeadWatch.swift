// SPDX-License-Identifier: Apache-2.0

package import Client
import Hub
import JSON
package import Logging
package import NIOCore

/// Hears of new blocks over a WebSocket (`eth_subscribe newHeads`), as soon as there are any.
///
/// A wake-up and nothing else: what is told is never used, and everything is right without it. A connection that lives
/// and tells nothing is found out by who polls: ``polled(head:)`` with a head that was not told, twice in a row, ends
/// it.
package actor HeadWatch {
    /// Where the socket is.
    package struct Address: Sendable {
        let hub: HubAddress
        let target: String

        /// Reads a URL with the scheme `ws` or `wss`.
        package init(_ text: String) throws(HubAddress.Invalid) {
            let start = text.firstRange(of: "://").map(\.upperBound) ?? text.startIndex
            let slash = text[start...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
            self.hub = try HubAddress(String(text[..<slash]))
            let rest = text[slash...]
            self.target = rest.isEmpty ? "/" : rest.hasPrefix("?") ? "/" + rest : String(rest)
        }
    }

    private static let subscription = #"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#
    /// Polls that saw a head that was not told before the connection is given up.
    private static let patience = 2

    package nonisolated let loop: any EventLoop
    private let connector: Connector
    private let wake: @Sendable () -> Void
    private let logger: Logger
    private let retry: ClosedRange<Duration>
    private var connection: Connection?
    private var waiting: CheckedContinuation<Void, Never>?
    private var told = 0
    private var misses = 0
    /// Connections that came about.
    package private(set) var connects = 0

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe self.loop.executor.asUnownedSerialExecutor()
    }

    /// - Parameter wake: Called on the loop when there is a new block; must not block.
    package init(
        _ address: Address,
        on loop: any EventLoop,
        retry: ClosedRange<Duration> = .milliseconds(500) ... .seconds(30),
        logger: Logger,
        wake: @escaping @Sendable () -> Void
    ) throws(Ending) {
        var connector = try Connector(to: address.hub)
        connector.target = address.target
        connector.subprotocols = []
        self.connector = connector
        self.loop = loop
        self.retry = retry
        self.logger = logger
        self.wake = wake
    }

    /// Keeps a connection until the task is cancelled.
    package func run() async {
        var backoff = Backoff(self.retry)
        while !Task.isCancelled {
            let before = self.connects
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    self.waiting = continuation
                    guard !Task.isCancelled else { return self.ended(.silent(milliseconds: 0)) }
                    self.connection = self.connector.connect(on: self.loop, token: nil, receiver: self)
                }
            } onCancel: {
                self.loop.execute { self.assumeIsolated { $0.connection?.close() } }
            }
            if self.connects > before { backoff.reset() }
            await backoff.wait()
        }
    }

    /// Somebody has looked, and found this head.
    package func polled(head: Int) {
        guard self.connection?.isOpen == true, head > self.told else {
            self.misses = 0
            return
        }
        self.misses += 1
        guard self.misses >= Self.patience else { return }
        self.misses = 0
        self.logger.notice("the socket does not tell of new blocks any more", metadata: ["head": "\(head)"])
        self.connection?.abandon(.silent(milliseconds: 0))
    }

    private func opened() {
        self.connects += 1
        self.misses = 0
        self.connection?.send(ByteBuffer(string: Self.subscription))
        // What came between the last connection and this one was not told.
        self.wake()
    }

    private func received(_ text: ByteBuffer) {
        guard let value = try? JSON.Value.parse(Array(text.readableBytesView)) else { return }
        guard value["method"]?.equals("eth_subscription") == true else { return }
        if let number = value["params"]?["result"]?["number"]?.string.flatMap({ Hex.integer($0, in: .seq) }) {
            self.told = max(self.told, number)
        }
        self.misses = 0
        self.wake()
    }

    private func ended(_ ending: Ending) {
        self.connection = nil
        self.logger.debug("the socket for new blocks has ended", metadata: ["reason": "\(ending)"])
        self.waiting?.resume()
        self.waiting = nil
    }
}

extension HeadWatch: ConnectionReceiver {
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

// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import EventLog
import Ingest
import Logging
import NIOCore
import WebSocketClient

/// The WebSocket and the REST feed of one exchange.
struct ExchangeFeeds: Sendable {
    private let socket: SocketFeed?
    private let rest: RESTFeed?

    /// - Parameters:
    ///   - index: Index of the exchange in the rate book.
    ///   - urls: Of its WebSockets; empty to poll only.
    init(
        _ exchange: Exchange,
        _ index: Int,
        into book: SharedRateBook,
        urls: [WebSocketURL],
        client: HTTPClient,
        on loop: any EventLoop,
        clock: SteadyClock,
        logger: Logger
    ) {
        var logger = logger
        logger[metadataKey: "exchange"] = "\(exchange.name)"
        let socket = Self.socket(exchange, index, book, urls, loop, clock, logger)
        self.socket = socket
        guard !exchange.rests.isEmpty else {
            self.rest = nil
            return
        }
        self.rest = RESTFeed(exchange, client: client, clock: clock, logger: logger) { incoming, asked in
            let verdict = book.received(incoming, from: index, asked: asked)
            await socket?.polled(isNews: verdict.news > 0)
        }
    }

    private static func socket(
        _ exchange: Exchange,
        _ index: Int,
        _ book: SharedRateBook,
        _ urls: [WebSocketURL],
        _ loop: any EventLoop,
        _ clock: SteadyClock,
        _ logger: Logger
    ) -> SocketFeed? {
        guard !urls.isEmpty else { return nil }
        do throws(Ending) {
            let rules = FeedMachine.Rules(exchange)
            return try SocketFeed(urls, rules: rules, on: loop, clock: clock, logger: logger) { text in
                book.received(exchange.dialect.read(text), from: index)
            }
        } catch {
            logger.error("rates are polled over REST only", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    var endpoints: [EndpointReport] {
        (self.socket?.endpoints.reports ?? []) + (self.rest?.endpoints.reports ?? [])
    }

    /// Runs until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            if let socket { group.addTask { await socket.run() } }
            guard let rest else { return }
            group.addTask {
                if let socket { await rest.run(while: socket.wishes) } else { await rest.run() }
            }
        }
    }
}

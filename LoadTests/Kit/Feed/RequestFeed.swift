// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import BroadtapeClient
import NIOCore

/// Publishes by `POST /events`, NDJSON, with several requests under way.
///
/// A request that is not answered goes to the next node, with the same ids, for as long as the run's patience lasts.
final class RequestFeed: Feed {
    /// Requests under way, at most.
    private static let limit = 64

    private struct Order: Sendable {
        var events: Range<Int>
        var publications: [[UInt8]]
    }

    private let orders: AsyncStream<Order>.Continuation
    /// Released by ``Pump/close()``.
    private let pump: Pump
    private var unanswered = 0

    let requestBytes = 512 << 10

    private init(_ orders: AsyncStream<Order>.Continuation, pump: Pump) {
        self.orders = orders
        self.pump = pump
    }

    var hasRoom: Bool { self.unanswered < Self.limit }

    func send(_ events: Range<Int>, _ publications: [[UInt8]]) {
        self.unanswered += 1
        self.orders.yield(Order(events: events, publications: publications))
    }

    func close() {
        self.orders.finish()
    }

    /// Makes a feed for a pump, and the work that has to be done for it until it is closed.
    ///
    /// The stream between them is bounded by ``limit``.
    static func make(
        _ target: Target,
        client: HTTPClient,
        pump: Pump
    ) -> (feed: RequestFeed, work: @Sendable () async -> Void) {
        let (orders, continuation) = AsyncStream.makeStream(of: Order.self)
        let feed = RequestFeed(continuation, pump: pump)
        let link = NIOLoopBound(feed, eventLoop: pump.loop)
        let loop = pump.loop
        let token = target.access.publishing
        var provider: TokenProvider?
        if let token { provider = { token } }
        let publishers = target.addresses.map { address in
            Publisher(
                to: address,
                token: provider,
                retries: Retries(
                    patience: target.addresses.count > 1 ? .zero : target.patience,
                    backoff: Backoff(base: .milliseconds(50), cap: .seconds(1)),
                    timeout: .seconds(10)
                ),
                client: client
            )
        }
        let patience = TimeAmount(target.patience)
        return (
            feed,
            {
                await withDiscardingTaskGroup { group in
                    var node = 0
                    for await order in orders {
                        let first = node
                        node += 1
                        group.addTask {
                            let result = await Self.publish(order, publishers, first: first, patience: patience)
                            loop.execute { link.value.answered(order.events, result) }
                        }
                    }
                }
            }
        )
    }

    private static func publish(
        _ order: Order,
        _ publishers: [Publisher],
        first: Int,
        patience: TimeAmount
    ) async -> Result<[Receipt], PublishError> {
        let start = NIODeadline.now()
        let publications = order.publications.map { Publication(id: "", json: $0) }
        var node = first
        while true {
            do throws(PublishError) {
                return .success(try await publishers[node % publishers.count].publish(publications))
            } catch {
                guard case .unreachable = error, publishers.count > 1, .now() - start < patience else {
                    return .failure(error)
                }
                node += 1
                do {
                    try await Task.sleep(for: .milliseconds(50))
                } catch {
                    return .failure(.cancelled)
                }
            }
        }
    }

    private func answered(_ events: Range<Int>, _ result: Result<[Receipt], PublishError>) {
        self.unanswered -= 1
        switch result {
        case .success(let receipts): self.pump.answered(events, receipts)
        case .failure(let error): self.pump.fail(.publishing(error))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import EventLog
package import Ingest
package import Logging
import NIOHTTP1

/// Polls the REST API of one exchange while requested.
package actor RESTFeed {
    /// Called with the content of an answer and the time of its request.
    package typealias Take = @Sendable (_ incoming: [Incoming], _ asked: Timestamp) async -> Void

    /// Maximum size of an answer.
    private static let maxAnswer = 4 << 20
    private static let timeout: Duration = .seconds(5)

    package nonisolated let endpoints: EndpointPool
    private let dialect: Dialect
    private let bases: [String]
    private let exchange: HTTPExchange
    private let clock: SteadyClock
    private let logger: Logger
    private let take: Take
    private var plan: PollPlan

    /// - Parameters:
    /// - client: Owned and shut down by the caller.
    package init(
        _ exchange: Exchange,
        client: HTTPClient,
        clock: SteadyClock,
        logger: Logger,
        take: @escaping Take
    ) {
        self.dialect = exchange.dialect
        self.bases = exchange.rests
        self.endpoints = EndpointPool(exchange.rests, rules: .withoutProbes, logger: logger)
        self.exchange = HTTPExchange(client, time: Self.timeout, bytes: Self.maxAnswer, urls: exchange.rests)
        self.clock = clock
        self.logger = logger
        self.take = take
        self.plan = PollPlan(
            symbols: exchange.markets.map { exchange.dialect.restSymbol(of: $0) },
            size: exchange.dialect.marketsPerRequest,
            interval: exchange.poll,
            spacing: min(exchange.dialect.requestInterval, exchange.poll),
            at: clock.now
        )
    }

    /// Polls while the newest value is true, until the sequence ends or the task is cancelled.
    package func run(while wishes: AsyncStream<Bool>) async {
        var wishes = wishes.makeAsyncIterator()
        var isWanted = false
        while let wish = await wishes.next() {
            isWanted = wish
            while isWanted {
                self.logger.info("polling rates over REST")
                isWanted = await Self.until(&wishes) { await self.poll() } ?? false
            }
        }
    }

    /// Polls unconditionally, until the task is cancelled.
    package func run() async {
        await self.poll()
    }

    /// Runs an operation until the next value; nil at the end of the sequence.
    private static func until(
        _ wishes: inout AsyncStream<Bool>.Iterator,
        _ work: @escaping @Sendable () async -> Void
    ) async -> Bool? {
        await withDiscardingTaskGroup { group in
            group.addTask { await work() }
            let wish = await wishes.next()
            group.cancelAll()
            return wish
        }
    }

    private func poll() async {
        while !Task.isCancelled {
            let wait = self.plan.next.duration(since: self.clock.now)
            if wait > .zero {
                guard (try? await Task.sleep(for: wait)) != nil else { return }
                continue
            }
            await self.ask()
        }
    }

    private func ask() async {
        let symbols = self.plan.request
        let endpoint = self.chosen
        guard !symbols.isEmpty, self.bases.indices.contains(endpoint) else { return }
        let asked = self.clock.now
        self.plan.asked(at: asked)
        var request = HTTPClientRequest(url: self.bases[endpoint] + self.dialect.target(for: symbols))
        // Coinbase rejects requests without one.
        request.headers.add(name: "User-Agent", value: "broadtape")
        var answer: PollPlan.Answer
        do throws(HTTPExchange.Fault) {
            let response = try await self.exchange.answer(to: request)
            let incoming = self.dialect.readAnswer(response.body, to: symbols)
            answer = self.answer(response, incoming)
            if response.status == 200 || answer == .refused {
                await self.take(incoming.map { Self.told($0, response.status) }, asked)
            }
            let why = "it answered \(response.status): \(response.beginning)"
            // 418 is a ban of clients that ignore a 429, at every endpoint.
            let trouble = response.status == 418 ? .throttled : EndpointTrouble(status: response.status)
            answer = self.judged(answer, trouble, why, of: endpoint)
        } catch {
            switch error {
            case .cancelled: return
            case .tooLarge(let bytes):
                answer = self.judged(
                    .failed(after: nil),
                    .failing,
                    "it answered more than \(bytes) bytes",
                    of: endpoint
                )
            case .unreachable(let why):
                answer = self.judged(.failed(after: nil), .unreachable, why, of: endpoint)
            }
        }
        // A cancelled request has no answer, and is no reason to slow down.
        guard !Task.isCancelled || answer != .failed(after: nil) else { return }
        self.plan.answered(answer, at: self.clock.now, chance: .random(in: 0...1))
    }

    /// A rejection with its status, which is more specific if the exchange's message is about something else.
    private static func told(_ incoming: Incoming, _ status: Int) -> Incoming {
        guard status != 200, case .rejected(let text) = incoming else { return incoming }
        return .rejected("it answered \(status): \(text)")
    }

    /// The plan has waited already. If all endpoints back off, the one that is available first is used.
    private var chosen: Int {
        switch self.endpoints.choose() {
        case .ask(let index), .wait(_, for: let index): index
        }
    }

    /// Records the outcome with the endpoint. Another endpoint is used at once if this one is unusable; rate limits and
    /// bans of the exchange apply to every endpoint.
    private func judged(
        _ answer: PollPlan.Answer,
        _ trouble: EndpointTrouble,
        _ why: String,
        of endpoint: Int
    ) -> PollPlan.Answer {
        switch answer {
        case .good, .refused:
            self.endpoints.succeeded(endpoint)
            return answer
        case .tooMany(let after):
            self.endpoints.failed(endpoint, .throttled, why, after: after)
            return answer
        case .banned(let after), .failed(let after):
            let outlook = self.endpoints.failed(endpoint, trouble, why, after: after)
            return outlook == .another && trouble != .throttled ? .elsewhere : answer
        case .elsewhere:
            return answer
        }
    }

    private func answer(_ response: HTTPExchange.Answer, _ incoming: [Incoming]) -> PollPlan.Answer {
        let after = response.after
        let rejections = incoming.compactMap { if case .rejected(let text) = $0 { text } else { nil } }
        if rejections.contains(where: self.dialect.isRateLimit) { return .tooMany(after: after) }
        switch response.status {
        case 429: return .tooMany(after: after)
        case 418, 403: return .banned(after: after)
        case 200 where rejections.isEmpty: return incoming.contains(.refused(.malformed)) ? .failed(after: nil) : .good
        // An unknown market; the error page of a proxy does not count.
        case 200: return .refused
        case 400, 404: return incoming.contains(.refused(.malformed)) ? .failed(after: after) : .refused
        default: return .failed(after: after)
        }
    }
}

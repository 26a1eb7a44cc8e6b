// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import Hub
import JSON
package import Logging
import NIOCore
import NIOHTTP1

/// Asks the REST interface of one exchange while it is wanted.
package actor RESTFeed {
    /// Called with what came and when it was asked for.
    package typealias Take = @Sendable (_ incoming: [Incoming], _ asked: Timestamp) async -> Void

    /// Of one answer.
    private static let maxAnswer = 4 << 20
    private static let timeout = TimeAmount.seconds(5)

    private let dialect: Dialect
    private let base: String
    private let client: HTTPClient
    private let clock: SteadyClock
    private let logger: Logger
    private let take: Take
    private var plan: PollPlan

    /// - Parameters:
    ///   - base: The URL before the path.
    ///   - client: The caller's, who shuts it down.
    package init(
        _ exchange: Exchange,
        base: String,
        client: HTTPClient,
        clock: SteadyClock,
        logger: Logger,
        take: @escaping Take
    ) {
        self.dialect = exchange.dialect
        self.base = base
        self.client = client
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

    /// Asks while the newest wish is true, until the wishes end or the task is cancelled.
    package func run(while wishes: AsyncStream<Bool>) async {
        var wishes = wishes.makeAsyncIterator()
        var isWanted = false
        while let wish = await wishes.next() {
            isWanted = wish
            while isWanted {
                self.logger.info("rates are asked for by REST")
                isWanted = await Self.until(&wishes) { await self.poll() } ?? false
            }
        }
    }

    /// Asks without being told to, until the task is cancelled.
    package func run() async {
        await self.poll()
    }

    /// Does something until the next wish; nil when there will be none.
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
        guard !symbols.isEmpty else { return }
        let asked = self.clock.now
        self.plan.asked(at: asked)
        var answer: PollPlan.Answer
        do {
            var request = HTTPClientRequest(url: self.base + self.dialect.target(for: symbols))
            // Coinbase refuses requests without one.
            request.headers.add(name: "User-Agent", value: "broadtape")
            let response = try await self.client.execute(request, deadline: .now() + Self.timeout)
            var body = try await response.body.collect(upTo: Self.maxAnswer)
            let bytes = body.readBytes(length: body.readableBytes) ?? []
            let incoming = self.dialect.readAnswer(bytes, to: symbols)
            answer = self.answer(response, incoming)
            if response.status == .ok || answer == .refused { await self.take(incoming, asked) }
        } catch is CancellationError {
            return
        } catch {
            answer = .failed(after: nil)
            self.logger.debug("rates cannot be asked for", metadata: ["fault": "\(error)"])
        }
        // Whoever is cancelled meanwhile has got no answer, and is no reason to slow down.
        guard !Task.isCancelled || answer != .failed(after: nil) else { return }
        if case .tooMany = answer { self.tell("asked too often", answer) }
        if case .banned = answer { self.tell("shut out", answer) }
        self.plan.answered(answer, at: self.clock.now, chance: .random(in: 0...1))
    }

    private func tell(_ what: String, _ answer: PollPlan.Answer) {
        self.logger.warning("an exchange refuses requests", metadata: ["reason": "\(what)", "answer": "\(answer)"])
    }

    private func answer(_ response: HTTPClientResponse, _ incoming: [Incoming]) -> PollPlan.Answer {
        let after = response.headers.first(name: "retry-after").flatMap { Int(decimal: $0, in: .seq) }.map {
            Duration.seconds(min(max(0, $0), 86_400))
        }
        let rejections = incoming.compactMap { if case .rejected(let text) = $0 { text } else { nil } }
        if rejections.contains(where: self.dialect.isRateLimit) { return .tooMany(after: after) }
        switch response.status.code {
        case 429: return .tooMany(after: after)
        case 418, 403: return .banned(after: after)
        case 200 where rejections.isEmpty: return incoming.contains(.refused(.malformed)) ? .failed(after: nil) : .good
        case 200, 400, 404: return .refused
        default: return .failed(after: after)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import EventLog
import Foundation
import Monitor
import NIOCore
import NIOHTTP1
import SafeText
import Terminal
import UnixSignals

/// `broadtape top`: live view of nodes.
struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a live view of nodes: connections, events, latencies, lagging subscriptions, sources.",
        discussion: """
            Reads GET /metrics of the nodes' admin ports. On a terminal it redraws a table until q or Ctrl-C; \
            otherwise it prints one line per node and interval. Latencies are those of the last 10 s, exact to the \
            bucket bounds of the nodes' histograms.
            """
    )

    @Option(
        help: """
            Admin ports of the nodes, separated by commas (environment: BROADTAPE_ADMIN_URL; default \
            http://127.0.0.1:8081).
            """
    )
    var to: String?

    @Option(help: "Refresh interval, such as 500ms or 2s.")
    var every = "1s"

    @Flag(help: "Read twice, print the table and exit: status 1 if a node does not answer.")
    var once = false

    private static let leastPause: Duration = .milliseconds(100)
    private static let maxNodes = 100

    /// Events that change the screen.
    private enum Happening {
        case looked(node: Int, Result<NodeReading, Unanswered>)
        case key(UInt8)
        case resized
        case ended
    }

    private struct Unanswered: Error {
        let reason: String
    }

    func run() async throws {
        guard let pause = Quantity.duration(self.every), pause >= Self.leastPause else {
            throw ValidationError("--every is a time such as 500ms or 2s, and 100ms or more, not \(self.every)")
        }
        let given = self.to ?? Variable.value("BROADTAPE_ADMIN_URL") ?? "http://127.0.0.1:8081"
        let addresses = try Self.addresses(given)
        var overview = Overview(of: addresses.map { Redaction.address($0).replacing(#/^https?:\/\//#, with: "") })
        if self.once {
            for round in 0..<2 {
                if round > 0 { try await Task.sleep(for: pause) }
                await Self.look(at: addresses, &overview)
            }
            StandardStream.output.print(lines: overview.table(columns: Int.max / 2))
            guard overview.isComplete else { throw ExitCode.failure }
        } else if let screen = Screen() {
            await Self.draw(&overview, of: addresses, every: pause, on: screen)
        } else {
            while true {
                await Self.look(at: addresses, &overview)
                StandardStream.output.print(lines: overview.lines(at: Timestamp.now.description))
                try await Task.sleep(for: pause)
            }
        }
    }

    private static func addresses(_ text: String) throws -> [String] {
        let addresses = text.split(whereSeparator: { $0 == "," || $0.isWhitespace }).map { part in
            let address = part.contains("://") ? String(part) : "http://\(part)"
            return address.hasSuffix("/") ? String(address.dropLast()) : address
        }
        for address in addresses {
            guard let url = URL(string: address), url.host != nil, ["http", "https"].contains(url.scheme) else {
                throw ValidationError(
                    "\(Redaction.address(address)) is not the address of an admin port, such as http://127.0.0.1:8081"
                )
            }
        }
        guard (1...Self.maxNodes).contains(addresses.count) else {
            throw ValidationError("--to names 1 to \(Self.maxNodes) nodes")
        }
        return addresses
    }

    // MARK: Reading

    private static func look(at addresses: [String], _ overview: inout Overview) async {
        await withTaskGroup(of: (Int, Result<NodeReading, Unanswered>).self) { group in
            for (index, address) in addresses.enumerated() {
                group.addTask { (index, await self.look(at: address)) }
            }
            for await (index, result) in group { self.take(result, of: index, &overview) }
        }
    }

    private static func take(_ result: Result<NodeReading, Unanswered>, of node: Int, _ overview: inout Overview) {
        switch result {
        case .success(let reading): overview.took(reading, of: node)
        case .failure(let unanswered): overview.failed(unanswered.reason, of: node)
        }
    }

    private static func look(at address: String) async -> Result<NodeReading, Unanswered> {
        do {
            let request = HTTPClientRequest(url: address + "/metrics")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(2))
            guard response.status == .ok else {
                return .failure(Unanswered(reason: "answered \(response.status) at /metrics; is it an admin port?"))
            }
            let body = try await response.body.collect(upTo: MetricsPage.maxBytes)
            return .success(NodeReading(MetricsPage(String(buffer: body)), at: .now))
        } catch {
            return .failure(Unanswered(reason: "does not answer (\(error))"))
        }
    }

    // MARK: Drawing

    /// Runs until q, Ctrl-C or a signal, then restores the terminal.
    private static func draw(
        _ overview: inout Overview,
        of addresses: [String],
        every pause: Duration,
        on screen: Screen
    ) async {
        // One request per node at a time, so the buffer is bounded by the nodes and the keys pressed.
        let (happenings, continuation) = AsyncStream.makeStream(
            of: Happening.self,
            bufferingPolicy: .bufferingNewest(4 * Self.maxNodes)
        )
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup, .sigwinch)
        await withTaskGroup(of: Void.self) { group in
            for (index, address) in addresses.enumerated() {
                group.addTask {
                    while !Task.isCancelled {
                        let result = await self.look(at: address)
                        continuation.yield(.looked(node: index, result))
                        try? await Task.sleep(for: pause)
                    }
                }
            }
            group.addTask {
                await screen.readKeys { continuation.yield(.key($0)) }
                continuation.yield(.ended)
            }
            group.addTask {
                for await signal in signals { continuation.yield(signal == .sigwinch ? .resized : .ended) }
            }
            loop: for await happening in happenings {
                switch happening {
                case .looked(let node, let result): self.take(result, of: node, &overview)
                case .key(UInt8(ascii: "q")), .key(UInt8(ascii: "Q")), .ended: break loop
                case .key, .resized: break
                }
                self.show(overview, pause, on: screen)
            }
            group.cancelAll()
        }
        screen.close()
    }

    private static func show(_ overview: Overview, _ pause: Duration, on screen: Screen) {
        let size = screen.size
        // Whole seconds: fractions change faster than anyone can read.
        let time = Timestamp.now.description.prefix(19).replacing("T", with: " ")
        let seconds = Text.decimal(pause / .seconds(1), digits: pause >= .seconds(1) ? 0 : 1)
        let title = "broadtape top   \(time) UTC   every \(seconds) s   q quits"
        screen.show([title, ""] + overview.table(columns: size.columns, rows: size.rows - 2))
    }
}

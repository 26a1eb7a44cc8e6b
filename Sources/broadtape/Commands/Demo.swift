// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import EventLog
import Foundation
import NIOCore
import Server
import Terminal

/// Plays a trace in a loop and prints commands that show it.
struct Demo {
    /// User of the trace whose token is printed.
    private static let user = "u_42"

    private let trace: Trace
    private let keys: TokenKeys

    init(path: String, keys: TokenKeys) throws {
        self.trace = try Trace(path: path)
        self.keys = keys
    }

    /// Publishes until cancelled.
    func play(into address: SocketAddress) async throws {
        guard let port = address.port else { return }
        let url = "http://127.0.0.1:\(port)"
        let day = Timestamp.now.advanced(by: .seconds(86_400))
        let token = try await self.keys.sign(subject: Self.user, scopes: ["publish:*"], expires: day)
        Self.printInstructions(url: url, token: token)
        let keys = self.keys
        let publisher = Publisher(to: try HubAddress(url)) {
            try await keys.sign(
                subject: "demo",
                scopes: ["publish:*"],
                expires: Timestamp.now.advanced(by: .seconds(3600))
            )
        }
        try await self.trace.play(speed: .times(1), repeats: true) { events in
            _ = try await publisher.publish(events)
        }
    }

    private static func printInstructions(url: String, token: String) {
        let program = URL(fileURLWithPath: CommandLine.arguments.first ?? "broadtape").path
        let text = """

            Broadtape listens on \(url)  (WebSocket: \(url.replacing("http:", with: "ws:"))/ws)

            Open \(url)/ in a browser: rates move, and the token below shows a user's money there.

            A token of user \(Self.user), valid for a day, that may also publish:

              export BROADTAPE_URL=\(url)
              export BROADTAPE_TOKEN=\(token)

            Paste these two lines into another terminal, then watch rates, or the user's transactions and balances:

              \(program) tail rateChange:BTC/USDT
              \(program) tail transactionUpdate balanceUpdate

            and publish a transaction:

              echo '{"type":"transactionUpdate","keys":["u_42","u_77"],"data":{"type":"p2p","amount":"12.50","status":"completed"}}' | \(program) publish

            A trace of rates, balances and transactions is playing. Ctrl-C stops the hub; published events are kept.

            """
        StandardStream.output.post(Array(text.utf8))
    }
}

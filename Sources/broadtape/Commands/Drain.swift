// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import JSON
import NIOCore
import NIOHTTP1
import Terminal

/// `broadtape drain`: drains a node without a connection surge.
struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Drain a node: disconnect its clients a few at a time, then stop it.",
        discussion: """
            The node immediately reports not ready, accepts no new WebSockets, and closes existing ones evenly over \
            the given time, each with `goodbye` and close code 4001. Events published meanwhile are committed and \
            delivered. Waits until the node has stopped. SIGTERM does the same over the setting drain-window.
            """
    )

    @OptionGroup var admin: AdminOptions

    @Option(help: "Duration of the drain, such as 500ms, 60s or 5m (default: the node's drain-window).")
    var over: String?

    @Option(help: "Operator's name for the audit trail (default: the user name on this machine).")
    var by: String?

    @Flag(help: "Return immediately, without waiting for the node to stop.")
    var noWait = false

    /// Interval between two requests for the progress.
    private static let pause: Duration = .milliseconds(500)

    func run() async throws {
        var window: Duration?
        if let over {
            window = Quantity.duration(over)
            guard window != nil else {
                throw ValidationError("--over is a time such as 500ms, 60s or 5m, not \(over)")
            }
        }
        let name = self.by ?? Variable.value("USER") ?? "operator"
        var status = try await self.admin.send(
            .POST,
            "/drain",
            query: window.map { ["over": "\($0.wholeMilliseconds)", "by": name] } ?? ["by": name]
        )
        Self.show(status)
        guard !self.noWait else { return }
        while true {
            try await Task.sleep(for: Self.pause)
            do {
                status = try await self.admin.send(.GET, "/drain", timeout: .seconds(2))
                Self.show(status)
            } catch is AdminOptions.Unreachable {
                return StandardStream.output.print("the node has stopped")
            }
        }
    }

    private static func show(_ status: JSON.Value) {
        let left = (status["milliseconds"]?.integer(in: .seq) ?? 0) / 1000
        let connections = status["connections"]?.integer(in: .seq) ?? 0
        StandardStream.output.print("\(connections) connections left, at most \(left) s")
    }
}

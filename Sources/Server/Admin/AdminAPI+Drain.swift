// SPDX-License-Identifier: Apache-2.0

import EventLog
import HTTPTypes
import Hub
import Hummingbird
import JSON

/// `POST /drain?over=60000` (milliseconds; default `drain-window`) drains the node; `GET /drain` returns the progress.
extension AdminAPI {
    /// Allowed drain times, in milliseconds.
    private static let windows = 0...3_600_000

    func beginDraining(_ request: Request) async throws(Problem) -> Response {
        var window: Duration?
        if let text = request.uri.queryParameters["over"] {
            guard let given = Int(decimal: text, in: Self.windows) else {
                throw Self.bad("over is from \(Self.windows.lowerBound) to \(Self.windows.upperBound) milliseconds")
            }
            window = .milliseconds(given)
        }
        // A node can be drained even if the audit trail cannot be written.
        _ = self.hub.audit.note(
            .drain,
            by: Self.operator(request.uri.queryParameters["by"].map { String($0) }),
            on: "node:\(self.hub.configuration.node)",
            detail: window.map { "over \($0)" } ?? ""
        )
        self.drain(window)
        return Response(shown: await self.drainStatus(), status: .accepted)
    }

    func drainStatus() async -> JSON.Writer {
        var connections = 0
        for shard in self.hub.shards { connections += await shard.sessionCount }
        var writer = JSON.Writer()
        writer.beginObject()
        writer.member("draining", bool: self.hub.isDraining)
        writer.member("connections", integer: connections)
        if let left = self.hub.drainTimeLeft {
            writer.member("milliseconds", integer: left.wholeMilliseconds)
        }
        writer.endObject()
        return writer
    }
}

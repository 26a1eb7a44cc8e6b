// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient
import JSON
import NIOCore
import NIOPosix
import TestSupport

/// A subscriber of one pair that also hears what heartbeats say of stale sources.
final class RateWatcher: ConnectionReceiver, Sendable {
    struct Rate: Sendable {
        var seq: Int
        /// Number of earlier events that it replaces.
        var skipped: Int
        var exchange: String
        var rate: String
        var at: ContinuousClock.Instant
    }

    struct Seen: Sendable, CustomStringConvertible {
        var rates: [Rate] = []
        var stale: [String] = []
        var ending: Ending?

        func count(_ exchange: String) -> Int {
            self.rates.filter { $0.exchange == exchange }.count
        }

        var hasGaps: Bool {
            !zip(self.rates, self.rates.dropFirst()).allSatisfy { $0.seq + 1 + $1.skipped == $1.seq }
        }

        var description: String {
            "\(self.rates.suffix(5)) of \(self.rates.count), stale \(self.stale), \(String(describing: self.ending))"
        }
    }

    let seen = Watched(Seen())
    private let pair: String
    private let connection: NIOLoopBoundBox<Connection?>

    private init(_ pair: String, on loop: any EventLoop) {
        self.pair = pair
        self.connection = .makeEmptyBox(valueType: Connection.self, eventLoop: loop)
    }

    /// Follows a pair while the body does something.
    static func following(
        _ pair: String,
        on hub: RunningHub,
        _ body: (Watched<Seen>) async throws -> Void
    ) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let watcher = RateWatcher(pair, on: loop)
        let connector = try Connector(to: try hub.address())
        try await loop.submit {
            watcher.connection.value = connector.connect(on: loop, token: nil, receiver: watcher)
        }.get()
        let result: Result<Void, any Error>
        do {
            try await body(watcher.seen)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await loop.submit { watcher.connection.value?.close() }.get()
        try result.get()
    }

    func connectionOpened() {
        let text = #"{"op":"subscribe","id":1,"channel":"rateChange:\#(self.pair)"}"#
        self.connection.value?.send(ByteBuffer(string: text))
    }

    func connectionReceived(_ text: ByteBuffer) {
        guard let frame = try? JSON.Value.parse(Array(text.readableBytesView)) else { return }
        self.seen.change { seen in
            switch frame["op"]?.string {
            case "event", "snapshot":
                let data = frame["data"]
                seen.rates.append(
                    Rate(
                        seq: frame["seq"]?.integer(in: .seq) ?? 0,
                        skipped: frame["skipped"]?.integer(in: .seq) ?? 0,
                        exchange: data?["exchange"]?.string ?? "",
                        rate: data?["rate"]?.string ?? "",
                        at: .now
                    )
                )
            case "heartbeat":
                seen.stale = frame["stale"]?.elements.compactMap(\.string) ?? []
            default: break
            }
        }
    }

    func connectionEnded(_ ending: Ending) {
        self.seen.change { $0.ending = ending }
    }
}

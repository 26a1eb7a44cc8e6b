// SPDX-License-Identifier: Apache-2.0

import Terminal

/// One kind of load with its measurements.
package protocol Scenario: Sendable {
    /// Does it.
    ///
    /// - Parameter progress: Called several times a second with the progress.
    /// - Throws: ``RunError`` when the run cannot begin. What goes wrong later is in the outcome.
    func run(progress: @escaping @Sendable (Headway) -> Void) async throws -> Outcome
}

/// How a scenario publishes.
package struct Publishing: Sendable {
    package var pace = Pace.window(1)
    package var way = Way.socket
    /// Sockets to publish over.
    package var publishers = 1
    /// Most events of one request.
    package var batch = 1
    /// Size of `data`, in bytes.
    package var bytes = 200

    /// Creates the default: one event under way, over one socket.
    package init() {}

    /// As it is written in an outcome.
    var settings: [(name: String, value: String)] {
        [
            ("pace", self.pace.description),
            ("publish", "\(self.way.rawValue), up to \(self.batch) events per request"),
            ("data", "\(self.bytes) B"),
        ]
    }
}

/// When a scenario measures.
package struct Timing: Sendable {
    /// What happens before it is not measured.
    package var warmUp = Duration.seconds(2)
    package var duration = Duration.seconds(10)

    /// Creates the defaults.
    package init() {}
}

extension Duration {
    var seconds: Double {
        Double(self.components.seconds) + Double(self.components.attoseconds) / 1e18
    }

    /// As it is written in an outcome.
    var text: String {
        "\(Text.decimal(self.seconds, digits: self.seconds == self.seconds.rounded() ? 0 : 1)) s"
    }
}

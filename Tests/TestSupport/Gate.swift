// SPDX-License-Identifier: Apache-2.0

/// Where a test holds up what passes by, and sees that it has come.
package final class Gate: Sendable {
    private struct State: Sendable {
        var isOpen = true
        /// Those that came, whether or not they have passed.
        var arrivals = 0
        /// Those that may pass although the gate is closed.
        var passes = 0
    }

    private let state = Watched(State())

    package init() {}

    /// How many have come so far.
    package var arrivals: Int {
        self.state.value.arrivals
    }

    /// Holds up everything that comes from now on.
    package func close() {
        self.state.change { $0.isOpen = false }
    }

    /// Lets through everything held up and to come.
    package func open() {
        self.state.change { $0.isOpen = true }
    }

    /// Lets one through.
    package func letOnePass() {
        self.state.change { $0.passes += 1 }
    }

    /// Returns once so many have come in all.
    package func waitForArrivals(_ count: Int) async throws {
        try await self.state.wait(for: "\(count) arrivals at the gate") { $0.arrivals >= count }
    }

    /// Comes to the gate and passes when it may; passes as well when nobody opens it in time, for the test to fail
    /// instead of hanging.
    package func pass() async {
        self.state.change { $0.arrivals += 1 }
        while true {
            let isThrough = self.state.change { state in
                if state.isOpen { return true }
                guard state.passes > 0 else { return false }
                state.passes -= 1
                return true
            }
            if isThrough { return }
            do {
                try await self.state.wait(for: "the gate to open", within: .seconds(60)) { $0.isOpen || $0.passes > 0 }
            } catch {
                return
            }
        }
    }
}

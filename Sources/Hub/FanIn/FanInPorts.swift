// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// What a hub needs for the fan-in.
package struct FanInPorts: Sendable {
    package var source: any FanInSource
    package var store: any FanInStore
    /// Called when a source has skipped numbers. Called from any thread; must not block.
    package var onGap: FanIn.OnGap
    /// Sends a request to the publisher of a source. Called from any thread; must not block; the request may be lost.
    package var ask: FanIn.Ask

    package init(
        source: any FanInSource,
        store: any FanInStore,
        onGap: @escaping FanIn.OnGap = { _ in },
        ask: @escaping FanIn.Ask = { _ in }
    ) {
        self.source = source
        self.store = store
        self.onGap = onGap
        self.ask = ask
    }
}

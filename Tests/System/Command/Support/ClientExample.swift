// SPDX-License-Identifier: Apache-2.0

import BroadtapeClient

// Copied from docs/clients.md.

func firstRates(_ count: Int, from url: String) async throws -> [String] {
    let subscriber = try Subscriber(
        to: HubAddress(url),
        subscriptions: [Subscription("rateChange:BTC/USDT", from: .after(0))]
    )
    var rates: [String] = []
    try await subscriber.run { updates in
        for try await update in updates.of(RateChange.self) {
            switch update {
            case .snapshot(let change, _), .event(let change, _): rates.append(change.rate)
            case .gap(let gap): print("missing after \(gap.after): \(gap.reason)")
            }
            if rates.count == count { return }
        }
    }
    return rates
}

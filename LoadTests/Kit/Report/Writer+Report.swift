// SPDX-License-Identifier: Apache-2.0

import JSON
import Terminal

extension JSON.Writer {
    mutating func number(_ name: String, _ value: Double) {
        self.member(name, raw: Text.decimal(value, digits: 3).utf8)
    }

    mutating func strings(_ name: String, _ values: [String]) {
        self.name(name)
        self.beginArray()
        for value in values { self.string(value) }
        self.endArray()
    }

    mutating func latency(_ name: String, _ latency: Report.Latency) {
        self.name(name)
        self.beginObject()
        self.member("count", integer: latency.count)
        self.number("mean", latency.mean)
        self.number("p50", latency.p50)
        self.number("p90", latency.p90)
        self.number("p99", latency.p99)
        self.number("p999", latency.p999)
        self.number("max", latency.max)
        self.endObject()
    }

    mutating func verdict(_ verdict: Ledger.Verdict) {
        let counts = verdict.counts
        self.member("positions", integer: counts.acknowledged)
        self.member("expected", integer: verdict.expected)
        self.member("deliveries", integer: counts.deliveries)
        self.member("conflated", integer: counts.conflated)
        self.member("lost", integer: verdict.lost)
        self.member("duplicated", integer: counts.duplicated)
        self.member("reordered", integer: counts.reordered)
        self.member("wrong", integer: counts.wrong)
        self.member("uncalled", integer: counts.uncalled)
        self.member("stale", integer: verdict.stale)
        self.member("contradicted", integer: counts.contradicted)
        self.member("unacknowledged", integer: verdict.unacknowledged)
        self.member("foreign", integer: verdict.foreign)
    }
}

// SPDX-License-Identifier: Apache-2.0

import { element, find } from "./kit.js";
import { many, span } from "./text.js";

/// What a reader calls a channel.
function nameOf(channel) {
    const colon = channel.indexOf(":");
    return { balanceUpdate: "Balances", transactionUpdate: "Transactions" }[channel.slice(0, colon)] ?? channel.slice(colon + 1);
}

/// Watches what arrives after an outage, and reports it once every channel has caught up. Counts
/// for itself: what it calls whole it has seen number by number.
export class Absence {
    /// - `seen`: the last number of each channel before. `channels`: those that have to catch up.
    constructor(seen, channels) {
        this.since = Date.now();
        this.seen = new Map(seen);
        this.left = new Set(channels);
        this.runs = new Map();
    }

    came({ channel, seq, skipped = 0 }) {
        if (!this.left.has(channel)) return;
        const run = this.runs.get(channel) ?? { first: seq - skipped, count: 0 };
        this.runs.set(channel, { first: run.first, last: seq, count: run.count + 1 + skipped });
    }

    /// Whether that was the last channel to catch up.
    caughtUp(channel) {
        return this.left.delete(channel) && this.left.size === 0;
    }

    tell() {
        const runs = [...this.runs].map(([channel, run]) => ({ channel, ...run }));
        const total = runs.reduce((sum, { count }) => sum + count, 0);
        const isWhole = runs.every(({ channel, first, last, count }) =>
            last - first + 1 === count && first === (this.seen.get(channel) ?? first - 1) + 1);
        const away = span(Date.now() - this.since);
        const text = total === 0
            ? `Back after ${away}. No events in the meantime.`
            : `Back after ${away}. Missed ${many(total, "event")} while offline${isWhole ? "; all received:" : ":"}`;
        const report = find("report");
        report.replaceChildren(
            element("p", {}, element("strong", {}, text)),
            element("ul", {}, ...runs.map(({ channel, first, last }) => element("li", {},
                element("span", {}, nameOf(channel)),
                element("span", { class: "mono" }, first === last ? `${first}` : `${first}…${last}`)))));
        Object.assign(report.dataset, { missed: String(total), whole: String(isWhole) });
        report.hidden = false;
    }
}

// SPDX-License-Identifier: Apache-2.0

import { sparkline } from "./chart.js";
import { element, later } from "./kit.js";
import { difference, grouped, isDecimal, many, span } from "./text.js";

/// Changes that a chart shows.
export const shownPoints = 120;

/// One pair: its newest rate, how it got there, and a chart. The only place where a rate becomes a number, for geometry.
export class RateCard {
    constructor(pair) {
        this.points = [];
        this.value = element("p", { class: "value" }, "–");
        this.change = element("p", { class: "change" });
        this.source = element("span");
        this.chart = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        this.chart.setAttribute("role", "img");
        this.pair = pair;
        this.facts = { bid: element("dd"), ask: element("dd"), number: element("dd"), age: element("dd") };
        this.draw = this.draw.bind(this);
        this.article = element(
            "article",
            { class: "card rate", data: { pair } },
            element("h3", {}, pair, this.source),
            this.value,
            this.change,
            this.chart,
            element(
                "dl",
                {},
                ...[["bid", "Bid"], ["ask", "Ask"], ["number", "No."], ["age", "Age"]].map(([key, label]) =>
                    element("div", {}, element("dt", {}, label), this.facts[key]),
                ),
            ),
        );
    }

    add(event) {
        if (!isDecimal(event.data?.rate) || (this.points.at(-1)?.seq ?? 0) >= event.seq) return;
        this.points.push({ seq: event.seq, rate: event.data.rate });
        if (this.points.length > shownPoints) this.points.shift();
        this.newest = event;
        this.heard = Date.now();
        later(this.draw);
    }

    /// The numbers start again.
    beginAnew() {
        this.points = [];
    }

    draw() {
        const { newest } = this;
        if (!newest) return;
        const { rate, bid, ask, exchange } = newest.data;
        this.value.textContent = grouped(rate);
        this.source.textContent = exchange ?? "";
        const { sign, text } = difference(rate, this.points[0].rate);
        this.change.dataset.to = sign === "+" ? "up" : sign === "−" ? "down" : "same";
        const changes = many(this.points.length - 1, "change");
        const arrow = { "+": "▲ ", "−": "▼ " }[sign] ?? "";
        this.change.replaceChildren(arrow + (sign ? text : "unchanged"), element("span", {}, ` in ${changes}`));
        this.facts.bid.textContent = isDecimal(bid) ? grouped(bid) : "–";
        this.facts.ask.textContent = isDecimal(ask) ? grouped(ask) : "–";
        this.facts.number.textContent = String(newest.seq);
        this.article.dataset.seq = String(newest.seq);
        this.chart.setAttribute("aria-label", `${this.pair}: ${rate}, ${this.change.textContent}`);
        sparkline(this.chart, this.points.map((point) => Number(point.rate)));
        this.drawAge();
    }

    drawAge() {
        if (this.heard) this.facts.age.textContent = span(Date.now() - this.heard);
    }
}

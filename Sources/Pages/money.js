// SPDX-License-Identifier: Apache-2.0

/// A user's balances and transactions on the page.

import { element, find } from "./kit.js";
import { clock, grouped, isDecimal } from "./text.js";

const shownTransactions = 25;

/// Whose they are, and what is shown of them: by currency, by transaction.
const money = { user: undefined, balances: new Map(), rows: new Map() };

/// Shows nothing of anybody, or makes room for a user.
export function showUser(user) {
    Object.assign(money, { user, balances: new Map(), rows: new Map() });
    find("user").textContent = user ?? "";
    find("balances").replaceChildren();
    find("transactions").replaceChildren();
    find("transactions-note").textContent = "";
    find("balances-empty").hidden = find("transactions-empty").hidden = false;
    find("balances-card").hidden = find("transactions-card").hidden = user === undefined;
    find("sign-in-card").hidden = user !== undefined;
}

export function showBalance({ data, seq }) {
    const currency = data.currency ?? "USD";
    if (!isDecimal(data.balance)) return;
    let row = money.balances.get(currency);
    if (!row) {
        row = { amount: element("span", { class: "amount" }), available: element("span", { class: "soft small" }) };
        row.item = element("li", { data: { currency } },
            element("span", {}, element("strong", {}, currency), " ", row.available), row.amount);
        money.balances.set(currency, row);
        const rows = [...money.balances].sort(([left], [right]) => (left < right ? -1 : 1));
        find("balances").replaceChildren(...rows.map(([, { item }]) => item));
    }
    row.amount.textContent = grouped(data.balance);
    row.available.textContent = isDecimal(data.available) && data.available !== data.balance ? `${grouped(data.available)} available` : "";
    row.item.dataset.seq = String(seq);
    row.item.removeAttribute("data-changed");
    void row.item.offsetWidth; // Restarts the animation.
    row.item.dataset.changed = "";
    find("balances-empty").hidden = true;
}

function toneOf(state) {
    if (["completed", "confirmed", "filled", "settled"].includes(state)) return "good";
    if (["failed", "rejected", "reversed", "cancelled", "canceled"].includes(state)) return "bad";
    return "warn";
}

function counterpart(data) {
    if (data.pair) return [data.side, data.pair, data.price && `at ${grouped(data.price)}`].filter(Boolean).join(" ");
    if (!data.recipientId) return "";
    return data.recipientId === money.user ? "to you" : `to ${data.recipientId}`;
}

/// Shows an event of a transaction; a later one of the same takes its place.
export function showTransaction(event, isNew) {
    const { data, id, seq, time } = event;
    const name = data.transactionId ?? id;
    const known = money.rows.get(name);
    const row = element("tr", { data: { transaction: name, seqs: [known?.dataset.seqs, seq].filter(Boolean).join(" ") } },
        element("td", { class: "soft" }, clock(time)),
        element("td", {}, data.type ?? ""),
        element("td", { class: "number" }, element("strong", {}, grouped(data.amount ?? "")), ` ${data.currency ?? ""}`),
        element("td", {}, element("span", { class: "tag", data: { tone: toneOf(data.status) } }, data.status ?? "")),
        element("td", {}, counterpart(data)),
        element("td", { class: "number soft mono" }, String(seq)));
    if (isNew) row.className = "flash";
    if (known) known.replaceWith(row);
    else find("transactions").prepend(row);
    money.rows.delete(name);
    money.rows.set(name, row);
    if (money.rows.size > shownTransactions) {
        const [oldest, last] = money.rows.entries().next().value;
        last.remove();
        money.rows.delete(oldest);
    }
    find("transactions-empty").hidden = true;
    find("transactions-note").textContent = money.rows.size >= shownTransactions ? `the newest ${shownTransactions}` : "";
    if (!isNew) return;
    find("announcements").textContent = `${data.type ?? "transaction"} of ${data.amount ?? ""} ${data.currency ?? ""}: ${data.status ?? ""}`;
}

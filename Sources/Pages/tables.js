// SPDX-License-Identifier: Apache-2.0

import { element, find, note } from "./kit.js";

/// Puts rows into a table, or says that there are none.
export function fill(id, rows, empty, columns) {
    find(id).replaceChildren(...(rows.length ? rows
        : [element("tr", {}, element("td", { class: "soft", colSpan: columns }, empty))]));
}

export const cell = (text, kind) => element("td", kind ? { class: kind } : {}, ...[text].flat());
export const tag = (text, tone) => element("span", { class: "tag", data: { tone } }, text);
export const button = (text, kind, work) => element("button", { class: `small ${kind}`, type: "button", on: { click: work } }, text);

/// A table that is read page by page.
export class Pager {
    constructor(name, read) {
        Object.assign(this, { name, read, after: undefined, next: undefined });
        find(`${name}-first`).addEventListener("click", () => this.show());
        find(`${name}-next`).addEventListener("click", () => this.show(this.next));
    }

    /// The same page again, unless that would take away what the keyboard is on.
    async refresh() {
        if (!find(this.name).contains(document.activeElement)) await this.again();
    }

    again() {
        return this.show(this.after);
    }

    /// The page after a place; the first one without.
    async show(after) {
        try {
            this.after = after;
            this.next = (await this.read(after)) ?? undefined;
            find(`${this.name}-next`).disabled = this.next === undefined;
            find(`${this.name}-first`).disabled = after === undefined;
            note(this.name, "bad", "");
        } catch (error) {
            // That the node does not answer is shown once for all.
            if (error.status) note(this.name, "bad", `The ${this.name} cannot be shown: ${error.message}`);
        }
    }
}

/// A table of its own; columns are names, each with the kind of its cells.
export function table(columns, rows, label) {
    return element("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": label }, element("table", {},
        element("thead", {}, element("tr", {}, ...columns.map(([name, kind]) => element("th", { scope: "col", class: kind }, name)))),
        element("tbody", {}, ...rows)));
}

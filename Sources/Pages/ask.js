// SPDX-License-Identifier: Apache-2.0

import { detail, find } from "./kit.js";

/// The hub asks this of browsers that change something: no form and no page of another place can send it.
const ownField = { "Broadtape-Operator": "page" };

/// Who the operator says to be: for the audit trail.
export function who() {
    const name = find("who").value.trim();
    return /^[\w.@+-]{1,64}$/.test(name) ? name : "operator";
}

function target(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "" && value !== false);
    return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/// For `read`: keeps what is written of a number that would be shown otherwise, such as 1.10; `JSON.stringify` writes it.
export function asPublished(name, value, context) {
    if (!context) throw new Error("this browser is too old to show numbers as they were published");
    const { source } = context;
    return typeof value === "number" && String(value) !== source ? JSON.rawJSON(source) : value;
}

/// Asks the admin port; an error has a sentence for the reader, and the status. `read` revives the values of the answer.
export async function ask(path, query, { method = "GET", json, read } = {}) {
    const options = { method, headers: {}, signal: AbortSignal.timeout(10_000) };
    if (method !== "GET") Object.assign(options.headers, ownField);
    if (json) {
        options.headers["Content-Type"] = "application/json";
        options.body = JSON.stringify(json);
    }
    const response = await fetch(target(path, query), options);
    const text = await response.text();
    if (response.ok) return JSON.parse(text || "{}", read);
    throw Object.assign(new Error(detail(text) ?? `the node answered ${response.status}`), { status: response.status });
}

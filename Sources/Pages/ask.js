// SPDX-License-Identifier: Apache-2.0

import { find } from "./kit.js";

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

/// Asks the admin port; an error has a sentence for the reader, and the status.
export async function ask(path, query, { method = "GET", json } = {}) {
    const options = { method, headers: {}, signal: AbortSignal.timeout(10_000) };
    if (method !== "GET") Object.assign(options.headers, ownField);
    if (json) {
        options.headers["Content-Type"] = "application/json";
        options.body = JSON.stringify(json);
    }
    const response = await fetch(target(path, query), options);
    const body = response.status === 204 ? {} : await response.json().catch(() => ({}));
    if (!response.ok) throw Object.assign(new Error(body.detail ?? `the node answered ${response.status}`), { status: response.status });
    return body;
}

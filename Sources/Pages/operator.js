// SPDX-License-Identifier: Apache-2.0

/// The operators' page: this node's figures once a second, and what an operator does, each time asked twice and put into
/// the audit trail by the hub. Everything it shows is text: nothing that a client sent becomes markup.

import { ask, asPublished, who } from "./ask.js";
import { timeline } from "./chart.js";
import { confirm } from "./dialog.js";
import { clock, count, lag, latency, quantile, since, size } from "./figures.js";
import { element, find, note } from "./kit.js";
import { Pager, button, cell, fill, table, tag } from "./tables.js";

const keptSeconds = 600;
const pageSize = 25;
const whoKey = "broadtape.operator";

// This node, once a second

const history = { events: [], commit50: [], commit99: [], delivery50: [], delivery99: [] };
let status;
let knownErrors = -1;

function keep(name, value) {
    history[name].push(value);
    if (history[name].length > keptSeconds) history[name].shift();
}

async function look() {
    try {
        const next = await ask("status");
        note("away", "bad", "");
        delete document.body.dataset.away;
        if (status && Date.parse(next.time) > Date.parse(status.time) && next.accepted >= status.accepted) take(next, status);
        status = next;
        showStatus();
        if (status.recentErrors !== knownErrors) {
            knownErrors = status.recentErrors;
            showErrors();
        }
    } catch (error) {
        const text = error.status ? `The node answers with an error: ${error.message}.` : "The node does not answer.";
        showState("bad", error.status ? "Answers with an error" : "Does not answer");
        note("away", "bad", `${text} The values are from before; this page keeps trying.`);
        document.body.dataset.away = "";
        for (const name of Object.keys(history)) keep(name, null);
        status = undefined;
    }
    showCharts();
    setTimeout(look, 1000);
}

function take(next, last) {
    const seconds = (Date.parse(next.time) - Date.parse(last.time)) / 1000;
    keep("events", (next.accepted - last.accepted) / seconds);
    for (const name of ["commit", "delivery"]) {
        const recent = since(next[name], last[name]);
        keep(`${name}50`, quantile(recent, 0.5));
        keep(`${name}99`, quantile(recent, 0.99));
    }
}

function showState(tone, text) {
    find("state").dataset.tone = tone;
    if (find("state").textContent !== text) find("state").textContent = text;
}

function stateOf({ draining, paused, ready, drainLeft }) {
    if (draining) return ["warn", `Draining, ${lag(drainLeft)} left`];
    if (paused) return ["bad", "Paused: cannot commit"];
    return ready ? ["good", "Ready"] : ["warn", "Not ready"];
}

const tiles = new Map();
function tile(name, [value, unit = ""], tone) {
    let made = tiles.get(name);
    if (!made) {
        made = element("div", {}, element("dt", {}, name), element("dd"));
        tiles.set(name, made);
        find("tiles").append(made);
    }
    made.dataset.tone = tone ?? "";
    made.lastChild.replaceChildren(value, unit ? element("small", {}, unit) : "");
}

function recently(name, seconds = 10) {
    return history[name].slice(-seconds).filter(Number.isFinite);
}

function showStatus() {
    const [tone, text] = stateOf(status);
    showState(tone, `${status.node}: ${text}`);
    find("drain").disabled = status.draining;
    note("paused", "bad", status.paused ? `Events cannot be committed: ${status.trouble || "the database does not answer"}. Subscribers stay connected and are notified.` : "");
    note("bus", "warn", status.bus === "cut" ? "The bus to the other nodes is down; this node polls the database for their events." : "");
    const rates = recently("events");
    const rate = rates.length ? rates.reduce((sum, one) => sum + one, 0) / rates.length : 0;
    const worst = (name) => (recently(name).length ? Math.max(...recently(name)) : undefined);
    tile("Connections", [count(status.connections)]);
    tile("Subscriptions", [count(status.subscriptions)]);
    tile("Events a second", [rate < 10 ? rate.toFixed(1) : count(Math.round(rate))]);
    tile("Behind", [count(status.behind)], status.behind > 0 ? "warn" : undefined);
    tile("Commit, p99", latency(worst("commit99")));
    tile("Delivery, p99", latency(worst("delivery99")));
    tile("Waiting to commit", size(status.writeQueueBytes));
    tile("Refused", [count(status.refused)]);
    find("nodes").replaceChildren(element("tr", {},
        element("td", {}, element("strong", {}, status.node), " ", element("span", { class: "soft" }, "this one")),
        element("td", {}, element("span", { class: "tag", data: { tone } }, text)),
        element("td", { class: "number" }, count(status.connections)),
        element("td", { class: "number" }, count(status.loops)),
        element("td", {}, element("span", { class: "mono" }, status.epoch), " ", element("span", { class: "soft" }, status.sharesTape ? "shared with other nodes" : "local"))));
    find("others").textContent = {
        alone: "There is no bus to other nodes: this node is alone.",
        connected: "The bus reaches the other nodes. Each has its own admin port; their names are not known here.",
        cut: "The bus is down: other nodes cannot be reached at the moment.",
    }[status.bus] ?? "";
    showSources();
}

function showCharts() {
    const milliseconds = (value) => {
        const [text, unit] = latency(value);
        return value === 0 ? "0" : `${Number(text)} ${unit}`;
    };
    // A minute fills the width before it shrinks to a tenth.
    const shown = [60, 180, keptSeconds].find((seconds) => history.events.length <= seconds);
    timeline(find("chart-events"), [history.events], shown, (value) => count(value));
    timeline(find("chart-commit"), [history.commit99, history.commit50], shown, milliseconds);
    timeline(find("chart-delivery"), [history.delivery99, history.delivery50], shown, milliseconds);
}

// Tables

function showSources() {
    const endpoint = ({ name, used, trouble }) => element("span", { class: "detail" },
        name + (used ? ", in use" : "") + (trouble ? `, ${trouble}` : ""));
    const own = status.sources.map((source) => element("tr", {},
        cell([source.name, ...(source.endpoints ?? []).map(endpoint)], "mono"),
        cell(tag({ following: "following", catchingUp: "catching up", stale: "stale", stopped: "stopped" }[source.state] ?? source.state,
            { following: "good", catchingUp: "warn" }[source.state] ?? "bad")),
        cell(lag(source.lag), "number"),
        cell(source.position === null ? "–" : count(source.position) + (source.head === null ? "" : ` of ${count(source.head)}`), "number"),
        cell(count(source.events), "number"), cell(source.trouble, "wrap")));
    const heard = (status.fanIn?.sources ?? []).map((source) => element("tr", {},
        cell(source.name, "mono"), cell(tag(source.stale ? "stale" : "active", source.stale ? "bad" : "good")),
        cell(lag(Date.parse(status.time) - Date.parse(source.heard)), "number"),
        cell(source.seq === null ? "–" : count(source.seq), "number"), cell("", "number"),
        cell(source.stale ? `silent since ${clock(source.heard)}` : "", "wrap")));
    fill("sources", [...own, ...heard], "No source is declared, and none has sent anything over the bus.", 6);
    const fanIn = status.fanIn;
    find("fan-in").textContent = fanIn
        ? `Fan-in: ${fanIn.leading ? "this node leads" : "another node leads"}; ${count(fanIn.messages)} messages, ${count(fanIn.events)} events, `
            + `${count(fanIn.malformed)} malformed, ${count(fanIn.gaps)} gaps (${count(fanIn.missing)} numbers missing), oldest waiting ${lag(fanIn.lag)}.`
        : "There is no fan-in: Redis is not configured.";
}

async function showErrors() {
    const { errors } = await ask("recent-errors", { limit: 50 });
    fill("errors", errors.map((entry) => element("tr", {},
        cell(clock(entry.last), "when"),
        cell(tag(entry.kind, entry.kind === "error" ? "bad" : "warn")),
        cell([element("strong", {}, entry.what), element("span", { class: "detail" }, entry.detail)], "wrap"),
        cell(entry.subject, "wrap"), cell(count(entry.count), "number"))), "No errors since this node started.", 5);
}

async function showLetters() {
    const { letters } = await ask("dead-letters", { limit: pageSize });
    fill("letters", letters.map((letter) => element("tr", {},
        cell(clock(letter.received), "when"), cell(letter.channel, "mono"), cell(letter.reason, "wrap"),
        cell(letter.payload.length > 300 ? `${letter.payload.slice(0, 300)}…` : letter.payload, "wrap mono"))), "No dead letters.", 4);
}

const channels = new Pager("channels", async (after) => {
    const page = await ask("channels", { prefix: find("prefix").value.trim(), after, limit: pageSize });
    fill("channels", page.channels.map((channel) => element("tr", {},
        cell(channel.channel, "mono wrap"), cell(count(channel.first), "number"), cell(count(channel.head), "number"),
        cell(count(channel.subscribers), "number"),
        cell(button("Events", "quiet", () => lookUp(channel.channel)), "actions"))), "No channel matches.", 5);
    return page.next;
});

function sessionRow(session) {
    return element("tr", { data: { session: session.id } },
        cell(session.id, "mono"), cell(session.user ?? element("span", { class: "soft" }, "not authenticated")),
        cell(clock(session.opened), "when"), cell(count(session.subscriptions), "number"),
        cell(session.behind ? tag(count(session.behind), "warn") : "0", "number"),
        cell([button("Channels", "quiet", () => showSession(session.id)), button("Disconnect…", "danger", () => disconnect(session)),
            session.user ? button("Revoke…", "danger", () => revoke("subject", session.user)) : ""], "actions"));
}

const sessions = new Pager("sessions", async (after) => {
    const page = await ask("sessions", { behind: find("behind").checked, after, limit: pageSize });
    fill("sessions", page.sessions.map(sessionRow), find("behind").checked ? "No session is behind." : "No sessions.", 6);
    return page.next;
});

const audit = new Pager("audit", async (before) => {
    const page = await ask("audit", { before, action: find("audit-action").value, limit: pageSize }).catch((error) => {
        if (error.status !== 404) throw error;
        return { records: [], next: null };
    });
    fill("audit", page.records.map((record) => element("tr", {},
        cell(clock(record.time), "when"), cell(record.actor), cell(record.action), cell(record.object, "wrap mono"),
        cell([record.result, record.detail ? element("span", { class: "detail" }, record.detail) : ""]), cell(count(record.count), "number"))),
    "No records yet, or this hub's log is in memory and the trail is in its log output.", 6);
    return page.next;
});

async function showRevocations() {
    const { revocations } = await ask("revocations", { limit: 100 });
    fill("revocations", revocations.map((one) => {
        const [kind, value] = ["subject", "tokenId", "session"].map((name) => [name, one[name]]).find(([, text]) => text !== undefined);
        return element("tr", {}, cell([{ subject: "user ", tokenId: "token ", session: "session " }[kind], element("span", { class: "mono" }, value)], "wrap"),
            cell(clock(one.time), "when"), cell(one.until ? clock(one.until) : "lifted", "when"), cell(one.reason, "wrap"),
            cell(button("Lift…", "quiet", () => lift(kind, value)), "actions"));
    }), "No active revocations.", 5);
}

// Looking up

async function lookUp(text) {
    find("look-for").value = text;
    const found = find("found");
    found.replaceChildren(element("p", { class: "soft" }, "Looking…"));
    try {
        found.replaceChildren(...(text.includes(":") ? await channelFound(text) : await userFound(text)));
    } catch (error) {
        found.replaceChildren(element("p", { class: "note", data: { tone: "bad" } }, error.message));
    }
    find("look").scrollIntoView({ block: "start" });
}

async function userFound(user) {
    const own = status?.types.filter((type) => type.readers === "owner") ?? [];
    const names = own.map((type) => `${type.name}:${user}`);
    const pages = await Promise.all(names.map((name) => ask("channels", { prefix: name, limit: 1 })));
    const known = pages.flatMap(({ channels: all }) => all).filter(({ channel }) => names.includes(channel));
    const { sessions: all, next } = await ask("sessions", { user, limit: 100 });
    return [
        element("h3", {}, `${user}: ${all.length}${next ? " or more" : ""} ${all.length === 1 ? "session" : "sessions"} on this node`),
        all.length ? table([["Session"], ["User"], ["Since"], ["Channels", "number"], ["Behind", "number"], [""]], all.map(sessionRow), "Sessions of the user") : "",
        element("h3", {}, known.length ? "Channels" : "No event was ever published to this user."),
        known.length ? table([["Channel"], ["Head", "number"], ["Subscribers here", "number"], [""]], known.map((channel) => element("tr", {},
            cell(channel.channel, "mono"), cell(count(channel.head), "number"), cell(count(channel.subscribers), "number"),
            cell(button("Events…", "quiet", () => lookUp(channel.channel)), "actions"))), "Channels of the user") : "",
        element("div", { class: "row" }, button("Revoke all tokens…", "danger", () => revoke("subject", user))),
    ];
}

async function channelFound(channel) {
    const type = status?.types.find(({ name }) => name === channel.slice(0, channel.indexOf(":")));
    if (!type) throw new Error(`There is no event type ${channel.slice(0, channel.indexOf(":"))}.`);
    if (type.readers !== "everyone") {
        const isSure = await confirm({
            title: "Read a private channel?", action: "Read", tone: "primary",
            text: `${channel} is private. Its newest events will be shown here.`,
        });
        if (!isSure) return [element("p", { class: "soft" }, "Not read.")];
    }
    const page = await ask(`channels/${encodeURIComponent(channel)}/events`, { limit: pageSize, by: who() }, { read: asPublished });
    audit.show();
    return [
        element("h3", {}, channel),
        element("p", { class: "soft small" }, `Head ${count(page.head)}, oldest ${count(page.first)}, epoch ${page.epoch}, ${count(page.subscribers)} subscribed on this node.`),
        page.events.length ? table([["No.", "number"], ["Time"], ["Id"], ["Data"]], page.events.toReversed().map((event) => element("tr", {},
            cell(count(event.seq), "number"), cell(clock(event.time), "when"), cell(event.id, "mono wrap"),
            cell(JSON.stringify(event.data), "data"))), "Newest events") : element("p", { class: "soft" }, "It has no events."),
    ];
}

async function showSession(id) {
    find("found").replaceChildren(element("p", { class: "soft" }, "Looking…"));
    try {
        const session = await ask(`sessions/${encodeURIComponent(id)}`, { limit: 100 });
        find("found").replaceChildren(
            element("h3", {}, `Session ${id} of ${session.user ?? "not authenticated"}`),
            table([["Channel"], ["Sent up to", "number"], ["Head", "number"], ["State"]], session.channels.map((one) => element("tr", {},
                cell(one.channel, "mono wrap"), cell(count(one.seq), "number"), cell(count(one.head), "number"),
                cell(tag(one.phase, one.phase === "live" ? "good" : "warn")))), "Subscriptions"));
    } catch (error) {
        find("found").replaceChildren(element("p", { class: "note", data: { tone: "bad" } }, error.message));
    }
    find("look").scrollIntoView({ block: "start" });
}

// Doing, each time asked twice

async function perform(what, work) {
    try {
        await work();
        note("done", "good", what);
    } catch (error) {
        note("done", "bad", `Not done: ${error.message}`);
    }
    await Promise.allSettled([sessions.again(), audit.show(), showRevocations()]);
}

async function disconnect({ id, user }) {
    const isSure = await confirm({
        title: "Disconnect this session?", action: "Disconnect",
        text: `${id}${user ? ` of ${user}` : ""} is closed with 4010. Its client reconnects and resumes; nothing is lost.`,
    });
    if (isSure) await perform(`${id} was disconnected.`, () => ask(`sessions/${encodeURIComponent(id)}`, { by: who() }, { method: "DELETE" }));
}

async function revoke(kind, value, reason = "") {
    const whose = { subject: `all tokens that ${value} has by now`, tokenId: `the token ${value}`, session: `the session ${value}` }[kind];
    const isSure = await confirm({
        title: "Revoke?", action: "Revoke",
        text: `On every node, ${whose} will be refused and open connections closed with 4502. It can be lifted below.`,
    });
    if (!isSure) return;
    await perform(`${value} was revoked.`, () => ask("revocations", {}, { method: "POST", json: { [kind]: value, reason, by: who() } }));
}

async function lift(kind, value) {
    const isSure = await confirm({ title: "Lift this revocation?", action: "Lift", tone: "primary", text: `Tokens of ${value} will be accepted again.` });
    if (isSure) await perform(`The revocation of ${value} was lifted.`, () => ask("revocations", { [kind]: value, by: who() }, { method: "DELETE" }));
}

async function drain() {
    const seconds = await confirm({
        title: `Drain ${status?.node ?? "this node"}?`, action: "Drain and stop", label: "Over how many seconds", value: "60",
        text: "It accepts no new connections, asks its clients to reconnect to other nodes a few at a time, and stops. It has to be started again from outside.",
    });
    if (seconds === undefined) return;
    if (!/^\d{1,4}$/.test(seconds) || Number(seconds) > 3600) return note("done", "bad", "Not done: enter a number of seconds, from 0 to 3600.");
    await perform("The node is draining.", () => ask("drain", { over: Number(seconds) * 1000, by: who() }, { method: "POST" }));
}

// Beginning

find("who").value = localStorage.getItem(whoKey) ?? "";
find("who").addEventListener("change", () => localStorage.setItem(whoKey, find("who").value.trim()));
find("drain").addEventListener("click", drain);
function onSubmit(form, work) {
    find(form).addEventListener("submit", (event) => {
        event.preventDefault();
        work();
    });
}
onSubmit("look-form", () => {
    const text = find("look-for").value.trim();
    if (text) lookUp(text);
});
onSubmit("channels-form", () => channels.show());
find("prefix").addEventListener("input", () => channels.show());
onSubmit("sessions-form", () => sessions.show());
find("behind").addEventListener("change", () => sessions.show());
find("audit-action").addEventListener("change", () => audit.show());
onSubmit("revoke-form", () => {
    const value = find("revoke-value").value.trim();
    if (value) revoke(find("revoke-kind").value, value, find("revoke-reason").value.trim());
    else find("revoke-value").focus();
});
addEventListener("resize", showCharts);

async function refresh() {
    if (!document.hidden && status) await Promise.allSettled([channels.refresh(), sessions.refresh(), showLetters()]);
    setTimeout(refresh, 5000);
}

await look();
await Promise.allSettled([channels.show(), sessions.show(), audit.show(), showRevocations(), showLetters()]);
refresh();

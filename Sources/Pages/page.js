// SPDX-License-Identifier: Apache-2.0

/// The live page: rates for everyone, and a user's own balances and transactions. Uses nothing but the public protocol.
///
/// Amounts stay text, as do all numbers in events. They become numbers for the geometry of charts only.

import { Broadtape, parse } from "./broadtape.js";
import { Absence } from "./absence.js";
import { detail, element, find, later, note } from "./kit.js";
import { CuttableSocket, line } from "./line.js";
import { showBalance, showTransaction, showUser } from "./money.js";
import { RateCard, shownPoints } from "./rates.js";
import { clock, grouped } from "./text.js";

const shownPairs = 12;
const shownEvents = 10;
const awaySeconds = 10;
const ratePrefix = "rateChange:";
const tokenKey = "broadtape.token";

// What is followed, and up to where

/// Where each channel has got to: what the client resumes from, and what this page checks for gaps by itself.
const places = new Map();
let received = 0;
let missing = 0;

const cursors = {
    load: (channel) => places.get(channel),
    save: (channel, { seq, epoch }) => void places.set(channel, { ...places.get(channel), seq, epoch }),
};

/// The last number seen of each channel, counted here and not by the client.
const seen = new Map();

function count(event) {
    const last = seen.get(event.channel);
    if (last !== undefined && event.seq > last) missing += event.seq - last - 1 - (event.skipped ?? 0);
    seen.set(event.channel, Math.max(event.seq, last ?? 0));
    received += 1;
    absence?.came(event);
    newest.unshift(event);
    newest.length = Math.min(newest.length, shownEvents);
    later(showFacts);
    later(showTape);
}

/// What came last, on whatever channel.
const newest = [];

function showTape() {
    find("tape-card").hidden = newest.length === 0;
    find("tape").replaceChildren(...newest.map(({ channel, seq, time, data }) => element("tr", {},
        element("td", { class: "soft" }, clock(time)), element("td", {}, channel),
        element("td", { class: "number mono" }, String(seq)),
        element("td", { class: "number" }, [data.rate ?? data.balance ?? data.amount, data.currency].filter(Boolean).map(grouped).join(" ")))));
}

function showFacts() {
    find("followed").textContent = String(subscriptions.size);
    find("received").textContent = grouped(received);
    find("missing").textContent = missing > 0 ? grouped(missing) : "none";
    find("node").textContent = status.node || "–";
}

// Rates

const cards = new Map();

async function read(path, token = currentToken()) {
    const response = await fetch(path, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
    const text = await response.text();
    if (response.ok) return parse(text, "text");
    throw Object.assign(new Error(detail(text) ?? response.statusText), { status: response.status });
}

function showEmptyRates(text, command = "") {
    find("rates-empty").hidden = !text;
    find("rates-empty-text").textContent = text;
    find("rates-empty-command").textContent = command;
    find("rates-empty-command").hidden = !command;
}

/// Looks for pairs until there are some, and now and then for more.
async function lookForRates() {
    let next = 3000;
    try {
        const kept = currentToken();
        if (kept && !signedIn) await signIn(kept);
        const { channels, next: more } = await read(`channels?prefix=${ratePrefix}&limit=${shownPairs}`);
        note("away", "bad");
        if (channels.length > 0) {
            showEmptyRates("");
            next = 15_000;
            find("rates-note").textContent = more ? `the first ${shownPairs} pairs of more` : "";
            for (const { channel, head } of channels) if (!cards.has(channel)) await addRate(channel, head);
            connect();
        } else if (cards.size === 0) {
            showEmptyRates(
                "Nothing has been published yet. Rates appear here as soon as they are published; this is how:",
                `echo '{"type":"rateChange","data":{"pair":"BTC/USDT","rate":"61231.06"}}' | broadtape publish`,
            );
            if (!tape) showStatus({ state: "idle" });
        }
    } catch (error) {
        if (error.status === 401 && currentToken()) signOut("The token of this tab is no longer valid. Sign in with a new one.");
        else if (error.status === 401) showEmptyRates("This hub needs a token for reading. Sign in to see its rates.");
        else if (error.status === 503) note("away", "bad", "The hub cannot read its log at the moment. This page keeps trying.");
        else if (!tape) note("away", "bad", "The hub does not answer. This page keeps trying and continues by itself.");
    }
    setTimeout(lookForRates, next);
}

async function addRate(channel, head) {
    const card = new RateCard(channel.slice(ratePrefix.length));
    cards.set(channel, card);
    const page = await read(
        `channels/${encodeURIComponent(channel)}/events?limit=${shownPoints}&after=${Math.max(0, head - shownPoints)}`,
    ).catch(() => ({ events: [] }));
    find("rates").append(card.article);
    for (const event of page.events) card.add(event);
    const last = page.events.at(-1);
    if (last) {
        places.set(channel, { seq: last.seq, epoch: page.epoch });
        seen.set(channel, last.seq);
    }
    follow(channel, { show: (event) => card.add(event), beginAnew: () => card.beginAnew() });
}

// The connection

let tape;
let status = { state: "idle" };
/// By channel, for as long as the page is open: `show(event)`, and `beginAnew()` for another life of the numbering.
const subscriptions = new Map();

function currentToken() {
    return sessionStorage.getItem(tokenKey) ?? undefined;
}

function connect() {
    if (tape || subscriptions.size === 0) return;
    const token = currentToken();
    tape = new Broadtape(undefined, {
        token: token ? () => currentToken() ?? "" : undefined,
        cursors,
        numbers: "text",
        WebSocket: CuttableSocket,
        onStatus: showStatus,
        onError: showError,
    });
    for (const [channel, follower] of subscriptions) subscribe(channel, follower);
}

/// A connection belongs to one user; another one begins where this one got to.
function connectAnew() {
    tape?.close();
    tape = undefined;
    status = { state: "idle" };
    absence = undefined;
    connect();
}

function follow(channel, follower) {
    subscriptions.set(channel, follower);
    if (tape) subscribe(channel, follower);
    later(showFacts);
}

function subscribe(channel, { show, beginAnew }) {
    /// The first number that the hub did not give, while it is not known how many there are.
    let lostFrom;
    tape.subscribe(channel, {
        onEvent(event) {
            count(event);
            show(event);
        },
        onSnapshot(event) {
            if (lostFrom !== undefined) missing += Math.max(0, event.seq - lostFrom);
            lostFrom = undefined;
            seen.set(channel, Math.max(seen.get(channel) ?? 0, event.seq));
            show(event);
        },
        onCaughtUp: () => absence?.caughtUp(channel) && tellAbsence(),
        onGap({ from, to, reason }) {
            if (reason === "epoch_changed") {
                seen.delete(channel);
                beginAnew?.();
            } else if (to === undefined) {
                lostFrom = from;
            } else {
                missing += to - from + 1;
                seen.set(channel, to);
            }
            later(showFacts);
            const which = to === undefined ? `after ${from - 1}` : `${from} to ${to}`;
            note("gap", "warn", `The hub no longer has events ${which} of ${channel} (${words(reason)}). The page continues with the newest.`);
        },
    });
}

function words(code) {
    switch (code) {
        case "cursor_expired": return "they are older than the retention";
        case "epoch_changed": return "the log was rebuilt";
        case "missing": return "they were not sent";
        default: return String(code ?? "").replaceAll("_", " ");
    }
}

function stateOf({ state, paused, stale, retryAt, code, reason, attempt }) {
    if (line.isCut) return ["warn", "Cut by you", "You have cut the connection. Events continue to be committed without this page."];
    switch (state) {
        case "live":
            if (paused) return ["warn", "Paused", "Connected, but the hub cannot commit at the moment: there are no new events until it can."];
            if (stale?.length) return ["warn", "Partly stale", `Connected, but ${stale.join(", ")} is silent: its values may be old.`];
            return ["good", "Live", "Connected. Events appear here as they are committed."];
        case "connecting":
            return attempt > 0
                ? ["warn", "Reconnecting", "Trying to reach the hub again. Events published while you are offline are delivered when you reconnect."]
                : ["idle", "Connecting", "Connecting to the hub."];
        case "waiting": {
            const left = retryAt ? Math.ceil((retryAt - Date.now()) / 1000) : 0;
            const when = left > 0 ? `in ${left} s` : "now";
            return ["warn", "Reconnecting", "The connection is lost; the page tries again by itself. Events published while you are offline are delivered when you reconnect.",
                ` Next attempt ${when}.`];
        }
        case "offline":
            return ["warn", "Offline", "This device is offline. The page continues as soon as it is back."];
        case "closed":
            return ["bad", "Disconnected", `The hub ended the connection${code ? ` (${code})` : ""}: ${reason || "it gave no reason"}.`];
        default:
            return ["idle", "Waiting", "Nothing to follow yet. The page connects as soon as something is published."];
    }
}

function showStatus(next) {
    // This page has closed it, to begin another one.
    if (next.cause === "client") return;
    const wasLive = status.state === "live";
    status = next;
    if (wasLive && next.state !== "live") absence ??= new Absence(seen, subscriptions.keys());
    clearTimeout(patience);
    // A channel without a place to resume from does not catch up.
    if (absence && next.state === "live") patience = setTimeout(tellAbsence, 3000);
    if (next.state === "closed" && next.code >= 4500 && currentToken()) {
        return signOut(next.code === 4502 ? "This token was revoked. Sign in with another one." : `The hub ended the connection: ${next.reason || next.code}.`);
    }
    drawStatus();
    later(showFacts);
}

function drawStatus() {
    const [tone, short, long, countdown = ""] = stateOf(status);
    const pill = find("state");
    pill.dataset.tone = tone;
    pill.dataset.state = status.state;
    if (pill.textContent !== short) pill.textContent = short;
    // Not what counts down: the sentence above the page is read aloud.
    find("state-words").textContent = long + countdown;
    const isTrouble = tone === "warn" || tone === "bad";
    note("state", tone, isTrouble ? long : "");
    const cut = find("cut");
    cut.disabled = !line.isCut && status.state !== "live";
    const left = line.isCut ? Math.max(0, Math.ceil((line.until - Date.now()) / 1000)) : 0;
    cut.textContent = line.isCut ? `Reconnect now (${left} s)` : "Cut the connection";
    for (const card of cards.values()) card.article.toggleAttribute("data-stale", status.state !== "live" || line.isCut);
}

function showError({ code, message, channel }) {
    if (["bad_token", "token_expired", "revoked", "not_authenticated"].includes(code) && currentToken()) {
        const said = { token_expired: "This token has expired.", revoked: "This token was revoked." }[code] ?? `The hub does not accept this token: ${message}.`;
        return signOut(`${said} Sign in with a new one.`);
    }
    note(`error ${channel ?? code}`, "bad", `${channel ? `${channel}: ` : ""}${message || words(code)}`);
}

// Being away

let absence;
let patience;

function tellAbsence() {
    clearTimeout(patience);
    if (line.isCut || status.state !== "live") return;
    absence?.tell();
    absence = undefined;
}

function cut() {
    line.isCut = true;
    line.until = Date.now() + awaySeconds * 1000;
    line.timer = setTimeout(mend, awaySeconds * 1000);
    absence ??= new Absence(seen, subscriptions.keys());
    find("report").hidden = true;
    line.socket?.close();
    drawStatus();
}

function mend() {
    clearTimeout(line.timer);
    line.isCut = false;
    tape?.reconnect();
    drawStatus();
}

// A user's own

/// Who is signed in.
let signedIn;

function subjectOf(token) {
    try {
        const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
        return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0)))).sub;
    } catch {
        return undefined;
    }
}

/// Asks the hub whose token it is, before anything is kept or connected.
async function userOf(token) {
    try {
        return (await read("wallets?limit=1", token)).user;
    } catch (error) {
        // A tape in memory has no wallets, but the token was looked at.
        if (error.status === 404) return subjectOf(token);
        throw error;
    }
}

async function signIn(token) {
    const user = await userOf(token);
    if (!user) throw new Error("the token does not name its user");
    const channel = `transactionUpdate:${user}`;
    const path = `channels/${encodeURIComponent(channel)}`;
    const { head, first } = await read(path, token);
    const page = await read(`${path}/events?limit=8&after=${Math.max(first - 1, head - 8, 0)}`, token);
    // Nothing is shown before all of it can be.
    sessionStorage.setItem(tokenKey, token);
    signedIn = user;
    showUser(user);
    for (const event of page.events) showTransaction(event, false);
    const last = page.events.at(-1)?.seq ?? head;
    places.set(channel, { seq: last, epoch: page.epoch });
    seen.set(channel, last);
    subscriptions.set(channel, { show: (event) => showTransaction(event, true) });
    subscriptions.set(`balanceUpdate:${user}`, { show: showBalance });
    connectAnew();
}

function signOut(reason = "") {
    sessionStorage.removeItem(tokenKey);
    for (const type of ["transactionUpdate", "balanceUpdate"]) {
        for (const known of [places, seen, subscriptions]) known.delete(`${type}:${signedIn}`);
    }
    signedIn = undefined;
    showUser(undefined);
    showTokenFault(reason);
    connectAnew();
    if (!tape) showStatus({ state: "idle" });
}

function showTokenFault(text) {
    find("token-fault").textContent = text;
    find("token-fault").hidden = !text;
    find("token").setAttribute("aria-invalid", String(Boolean(text)));
}

// Beginning

find("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const token = find("token").value.trim();
    if (!token) return showTokenFault("Paste a token first.");
    showTokenFault("");
    find("sign-in-button").disabled = true;
    try {
        await signIn(token);
        find("token").value = "";
    } catch (error) {
        sessionStorage.removeItem(tokenKey);
        showTokenFault(error.status === 401
            ? `The hub does not accept this token: ${error.message}. Is it complete, not expired, and made for this hub?`
            : error.status ? `The hub answered ${error.status}: ${error.message}.` : `The hub cannot be reached: ${error.message}.`);
    }
    find("sign-in-button").disabled = false;
});
find("sign-out").addEventListener("click", () => signOut());
find("cut").addEventListener("click", () => (line.isCut ? mend() : cut()));
addEventListener("resize", () => cards.forEach((card) => later(card.draw)));
setInterval(() => {
    for (const card of cards.values()) card.drawAge();
    if (line.isCut || status.state === "waiting") drawStatus();
}, 1000);

lookForRates();

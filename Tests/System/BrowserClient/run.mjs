// SPDX-License-Identifier: Apache-2.0
//
// `node run.mjs`: what broadtape.js does around its machine, with sockets, requests and a clock that the tests hold.

import assert from "node:assert/strict";
import { Broadtape, BroadtapeError, parse, storedCursors } from "../../../Sources/BrowserClient/broadtape.js";

/** Everything a client gets from its environment. */
class World {
  now = Date.parse("2026-11-20T15:00:00Z");
  sockets = [];
  requests = [];
  answers = [];
  timers = new Map();
  lastTimer = 0;
  statuses = [];
  errors = [];
  listeners = new Map();
  document = { visibilityState: "visible", addEventListener: (...add) => this.on(...add), removeEventListener() {} };

  options(more = {}) {
    const world = this;
    return {
      WebSocket: class {
        sent = [];
        constructor(url, protocol) {
          Object.assign(this, { url, protocol });
          world.sockets.push(this);
        }
        send(text) {
          this.sent.push(JSON.parse(text));
        }
        close(code) {
          this.closedWith = code;
        }
      },
      fetch: async (url, request) => {
        this.requests.push({ url, ...request, body: request.body && JSON.parse(request.body) });
        const answer = this.answers.shift();
        if (answer instanceof Error) throw answer;
        const [status, body, fields = {}] = answer;
        const text = async () => (typeof body === "string" ? body : JSON.stringify(body));
        return { ok: status < 300, status, text, json: async () => JSON.parse(await text()), headers: new Map(Object.entries(fields)) };
      },
      random: () => 0.5,
      now: () => this.now,
      setTimeout: (callback, milliseconds) => {
        this.timers.set(++this.lastTimer, { callback, at: this.now + milliseconds });
        return this.lastTimer;
      },
      clearTimeout: (timer) => this.timers.delete(timer),
      host: {
        addEventListener: (event, listener) => this.on(event, listener),
        removeEventListener: (event) => this.listeners.delete(event),
        document: this.document,
      },
      onStatus: (status) => this.statuses.push(status),
      onError: (error) => this.errors.push(error),
      ...more,
    };
  }

  on(event, listener) {
    this.listeners.set(event, listener);
  }

  get socket() {
    return this.sockets.at(-1);
  }

  say(...messages) {
    for (const message of messages) this.socket.onmessage({ data: JSON.stringify(message) });
  }

  /** The connection is open and the hub has welcomed it. */
  open(...messages) {
    this.socket.onopen({});
    this.say({ op: "welcome", session: "s", node: "n", heartbeat: 10_000 }, ...messages);
  }

  async advance(milliseconds) {
    const end = this.now + milliseconds;
    for (;;) {
      const [timer, next] = [...this.timers].sort(([, one], [, other]) => one.at - other.at)[0] ?? [];
      if (!next || next.at > end) break;
      this.timers.delete(timer);
      this.now = Math.max(this.now, next.at);
      next.callback();
      await settled();
    }
    this.now = end;
  }
}

/** Once everything that was promised by now has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const subscribed = (head, mode = "live", more = {}) => ({ op: "subscribed", id: 1, channel: "a:b", epoch: "k", head, mode, ...more });
const event = (seq, more = {}) => ({ op: "event", channel: "a:b", seq, id: `e${seq}`, time: "t", data: { n: seq }, ...more });

const tests = {
  async "the address may be written in several ways"() {
    for (const url of ["http://h:1", "ws://h:1/ws", "http://h:1/", "ws://h:1/ws/"]) {
      const world = new World();
      new Broadtape(url, world.options());
      assert.equal(world.socket.url, "ws://h:1/ws", url);
      assert.equal(world.socket.protocol, "broadtape.v1.json");
    }
    const world = new World();
    new Broadtape("https://h/tape", world.options());
    assert.equal(world.socket.url, "wss://h/tape/ws");
    for (const url of ["h:1", "ftp://h", "http://", undefined, "http://h?x=1"]) {
      assert.throws(() => new Broadtape(url, world.options()), TypeError, url);
    }
  },

  async "the token goes first, then the channels"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options({ token: async () => "t1" }));
    tape.subscribe("a:b", { onEvent() {} });
    await settled();
    world.socket.onopen({});
    assert.deepEqual(world.socket.sent, [
      { op: "auth", token: "t1" },
      { op: "subscribe", channels: [{ channel: "a:b" }], id: 1 },
    ]);
  },

  async "handlers are called one after the other, and cursors saved when they have returned"() {
    const world = new World();
    const saved = [];
    const under = [];
    const cursors = { load: async () => ({ seq: 4, epoch: "k" }), save: (channel, cursor) => void saved.push([channel, cursor]) };
    const tape = new Broadtape("ws://h", world.options({ cursors }));
    const log = [];
    tape.subscribe("a:b", {
      onEvent: (event) => new Promise((resolve) => under.push(() => (log.push(event.seq), resolve()))),
      onCaughtUp: ({ seq }) => log.push(`caught up ${seq}`),
    });
    await settled();
    world.open();
    assert.deepEqual(world.socket.sent[0].channels, [{ channel: "a:b", since: 4, epoch: "k" }]);
    world.say(subscribed(6, "resumed"), event(5), event(6), { op: "caughtUp", channel: "a:b", seq: 6 });
    await settled();
    assert.equal(under.length, 1);
    assert.deepEqual([log, saved], [[], []]);
    under.shift()();
    await settled();
    assert.deepEqual([log, saved], [[5], [["a:b", { epoch: "k", seq: 5 }]]]);
    under.shift()();
    await settled();
    assert.deepEqual(log, [5, 6, "caught up 6"]);
    assert.deepEqual(saved.at(-1), ["a:b", { epoch: "k", seq: 6 }]);
  },

  async "a handler that throws keeps the cursor before its event"() {
    const world = new World();
    const saved = [];
    const cursors = { load: () => undefined, save: (_, { seq }) => void saved.push(seq) };
    const tape = new Broadtape("ws://h", world.options({ cursors }));
    const seen = [];
    const onEvent = ({ seq }) => {
      if (seq === 2) throw new Error("broken");
      seen.push(seq);
    };
    tape.subscribe("a:b", { onEvent });
    await settled();
    world.open(subscribed(0), event(1), event(2), event(3));
    await settled();
    assert.deepEqual([seen, saved], [[1, 3], [0, 1]]);
    assert.equal(world.errors[0].code, "handler_failed");
    assert.match(world.errors[0].message, /event 2 threw: Error: broken/);
  },

  async "a slow store saves the newest next, one call at a time"() {
    const world = new World();
    const saves = [];
    const cursors = { load: () => undefined, save: (_, { seq }) => new Promise((resolve) => saves.push({ seq, resolve })) };
    const tape = new Broadtape("ws://h", world.options({ cursors }));
    tape.subscribe("a:b", { onEvent() {} });
    await settled();
    world.open(subscribed(0), event(1), event(2), event(3));
    assert.deepEqual(saves.map(({ seq }) => seq), [0]);
    saves[0].resolve();
    await settled();
    assert.deepEqual(saves.map(({ seq }) => seq), [0, 3]);
    saves[1].resolve();
    await settled();
    world.say(event(4));
    assert.deepEqual(saves.map(({ seq }) => seq), [0, 3, 4]);
  },

  async "cursors of one's own channels belong to the user"() {
    const world = new World();
    const loaded = [];
    const cursors = { load: (channel) => (loaded.push(channel), { seq: 7, epoch: "k" }), save() {} };
    const tape = new Broadtape("ws://h", world.options({ cursors, token: "t" }));
    tape.subscribe("balanceUpdate", { onEvent() {} });
    await settled();
    world.open();
    assert.deepEqual(loaded, []);
    world.say({ op: "authenticated", user: "u_1" });
    await settled();
    assert.deepEqual(loaded, ["balanceUpdate:u_1"]);
    assert.deepEqual(world.socket.sent.at(-1).channels, [{ channel: "balanceUpdate", since: 7, epoch: "k" }]);
  },

  async "stores that fail are told of"() {
    const world = new World();
    const fail = () => {
      throw new Error("full");
    };
    const tape = new Broadtape("ws://h", world.options({ cursors: { load: fail, save: fail } }));
    tape.subscribe("a:b", { onEvent() {} });
    await settled();
    world.open(subscribed(0), event(1));
    await settled();
    assert.deepEqual(world.errors.map(({ code }) => code), ["cursor_not_loaded", "cursor_not_saved", "cursor_not_saved"]);
  },

  async "cursors can be kept in a Web Storage"() {
    const items = new Map();
    const storage = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
    const cursors = storedCursors("app", storage);
    assert.equal(cursors.load("a:b"), undefined);
    cursors.save("a:b", { seq: 3, epoch: "k" });
    assert.deepEqual([...items], [["app:a:b", '{"seq":3,"epoch":"k"}']]);
    assert.deepEqual(cursors.load("a:b"), { seq: 3, epoch: "k" });
    for (const text of ["{", "null", '{"seq":-1,"epoch":"k"}', '{"seq":1}', "7"]) {
      items.set("app:a:b", text);
      assert.equal(cursors.load("a:b"), undefined, text);
    }
  },

  async "a consumer that does not keep up pauses on the wire and loses nothing"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    const subscription = tape.subscribe("a:b", { since: 0, epoch: "k", buffer: 4 });
    world.open(subscribed(10, "resumed"), event(1), event(2), event(3), event(4), event(5), event(6));
    assert.deepEqual(world.socket.sent.at(-1), { op: "unsubscribe", channel: "a:b", id: 2 });
    const reader = subscription[Symbol.asyncIterator]();
    const seqs = [];
    for (let read = 0; read < 4; read += 1) seqs.push((await reader.next()).value.seq);
    assert.deepEqual(world.socket.sent.at(-1).channels, [{ channel: "a:b", since: 4, epoch: "k" }]);
    world.say({ op: "unsubscribed", channel: "a:b" }, subscribed(10, "resumed", { id: 3 }), event(5), event(6));
    for (let read = 0; read < 2; read += 1) seqs.push((await reader.next()).value.seq);
    assert.deepEqual(seqs, [1, 2, 3, 4, 5, 6]);
  },

  async "or forgets the oldest and counts it"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    const subscription = tape.subscribe("a:b", { buffer: 2, overflow: "dropOldest" });
    world.open(subscribed(0), event(1), event(2), event(5, { skipped: 2 }), event(6), event(7));
    const reader = subscription[Symbol.asyncIterator]();
    const read = [(await reader.next()).value, (await reader.next()).value];
    assert.deepEqual(read.map(({ seq, skipped }) => [seq, skipped]), [[6, 5], [7, undefined]]);
    assert.equal(world.socket.sent.length, 1);
  },

  async "iterating tells events and snapshots, saves what was read, and closes when it is left"() {
    const world = new World();
    const saved = [];
    const cursors = { load: () => undefined, save: (_, { seq }) => void saved.push(seq) };
    const tape = new Broadtape("ws://h", world.options({ cursors }));
    const subscription = tape.subscribe("a:b");
    await settled();
    world.open(subscribed(5, "snapshot"), { ...event(5), op: "snapshot" }, event(6));
    const read = [];
    for await (const { seq, snapshot } of subscription) {
      read.push([seq, snapshot]);
      if (seq === 6) world.say(event(7));
      if (seq === 7) break;
    }
    assert.deepEqual(read, [[5, true], [6, undefined], [7, undefined]]);
    // The loop was left while it had the last one.
    assert.deepEqual(saved, [5, 6]);
    assert.equal(subscription.isClosed, true);
    assert.deepEqual(world.socket.sent.at(-1).op, "unsubscribe");
    tape.subscribe("a:b", { onEvent() {} });
  },

  async "readers learn of a refusal and of the end"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    const refused = tape.subscribe("a:b")[Symbol.asyncIterator]().next();
    const ended = tape.subscribe("c:d")[Symbol.asyncIterator]().next();
    const closed = tape.subscribe("e:f")[Symbol.asyncIterator]().next();
    world.open({ op: "error", id: 1, code: "forbidden", message: "not yours", channel: "a:b" });
    await assert.rejects(refused, (error) => error instanceof BroadtapeError && error.code === "forbidden");
    tape.subscribe("a:b", { onEvent() {} });
    world.socket.onclose({ code: 4502, reason: "revoked" });
    await assert.rejects(ended, { code: "closed", status: 4502, message: "revoked" });
    await assert.rejects(closed, { code: "closed" });
    const last = tape.subscribe("g:h")[Symbol.asyncIterator]();
    tape.close();
    assert.deepEqual(await last.next(), { done: true, value: undefined });
  },

  async "a channel is followed once at a time"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    tape.subscribe("balanceUpdate", { onEvent() {} });
    assert.throws(() => tape.subscribe("balanceUpdate"), /subscribed to already/);
    world.open(subscribed(0, "live", { channel: "balanceUpdate:u" }));
    assert.throws(() => tape.subscribe("balanceUpdate:u"), /subscribed to already/);
    assert.throws(() => tape.subscribe(""), TypeError);
    assert.throws(() => tape.subscribe("x:y", { since: -1 }), TypeError);
  },

  async "handlers may speak of the client from the first status on"() {
    const world = new World();
    const states = [];
    const tape = new Broadtape("ws://h", world.options({ onStatus: ({ state }) => states.push([state, tape.status.state]) }));
    assert.deepEqual([states, tape.status.state], [[], "connecting"]);
    await settled();
    world.open();
    assert.deepEqual(states, [["connecting", "connecting"], ["live", "live"]]);
  },

  async "handlers may subscribe and close from within"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    const seen = [];
    const subscription = tape.subscribe("a:b", {
      onEvent({ seq }) {
        seen.push(seq);
        subscription.close();
        tape.subscribe("c:d", { onEvent() {} });
      },
    });
    world.open(subscribed(0), event(1), event(2));
    assert.deepEqual(seen, [1]);
    assert.deepEqual(world.socket.sent.map(({ op }) => op), ["subscribe", "unsubscribe", "subscribe"]);
    assert.deepEqual(world.errors, []);
  },

  async "what a handler brings about comes after what was under way"() {
    const world = new World();
    const log = [];
    const tape = new Broadtape("ws://h", world.options({ onStatus: ({ state }) => log.push(state) }));
    tape.subscribe("a:b", { onGap: () => tape.reconnect(), onEvent: ({ seq }) => log.push(seq) });
    await settled();
    world.open(subscribed(1), event(9));
    assert.deepEqual(log, ["connecting", "live", 9, "connecting"]);
  },

  async "what happens is told to those it concerns"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    const told = [];
    const options = Object.fromEntries(
      ["onEvent", "onSnapshot", "onCaughtUp", "onGap", "onStale", "onStatus"].map((name) => [name, (value) => told.push([name, value])]),
    );
    tape.subscribe("a:b", options);
    world.open(
      subscribed(5, "snapshot"),
      { ...event(5), op: "snapshot" },
      { op: "heartbeat", heads: { "a:b": 6 }, stale: ["kraken"] },
      event(6),
      event(9),
      { op: "caughtUp", channel: "a:b", seq: 9 },
    );
    assert.deepEqual(told.map(([name]) => name), ["onSnapshot", "onStatus", "onStale", "onEvent", "onStatus", "onGap", "onEvent", "onCaughtUp"]);
    assert.deepEqual(told[1][1], { channel: "a:b", behind: true, head: 6, seq: 5 });
    assert.deepEqual(told[5][1], { channel: "a:b", from: 7, to: 8, reason: "missing" });
    assert.deepEqual(tape.status.stale, ["kraken"]);
    world.socket.onclose({ code: 1006, reason: "" });
    assert.equal(tape.status.state, "waiting");
    assert.equal(tape.status.retryAt, world.now + 250);
  },

  async "timers wake it: it reconnects, and notices a mute hub"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    world.open();
    await world.advance(12_500);
    assert.equal(world.socket.sent.at(-1).op, "ping");
    const mute = world.socket;
    await world.advance(5_000);
    assert.equal(mute.closedWith, 1000);
    await world.advance(250);
    assert.equal(world.sockets.length, 2);
    mute.onopen?.({});
    mute.onclose?.({ code: 4502, reason: "late" });
    assert.equal(world.socket.sent.length, 0);
    assert.equal(tape.status.state, "connecting");
  },

  async "a clock that is set back does not stop it"() {
    const world = new World();
    new Broadtape("ws://h", world.options());
    world.socket.onclose({ code: 1006, reason: "" });
    world.now -= 3_600_000;
    for (const [timer, { callback }] of [...world.timers]) world.timers.delete(timer), callback();
    await world.advance(250);
    assert.equal(world.sockets.length, 2);
  },

  async "networks and pages are listened to, until it is closed"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    world.socket.onclose({ code: 1006, reason: "" });
    world.listeners.get("offline")();
    assert.equal(tape.status.state, "offline");
    await world.advance(60_000);
    assert.equal(world.sockets.length, 1);
    world.listeners.get("online")();
    await world.advance(250);
    assert.equal(world.sockets.length, 2);
    world.open();
    world.document.visibilityState = "hidden";
    world.listeners.get("visibilitychange")();
    assert.deepEqual(world.socket.sent, []);
    world.document.visibilityState = "visible";
    world.listeners.get("visibilitychange")();
    assert.equal(world.socket.sent.at(-1).op, "ping");
    tape.close();
    assert.equal(world.listeners.has("online"), false);
    assert.equal(tape.status.state, "closed");
    assert.equal(world.socket.closedWith, 1000);
    assert.equal(world.timers.size, 0);
  },

  async "a socket that can tell of a refused upgrade is listened to"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    world.socket.onerror({ status: 503, retryAfter: 7, message: "Service Unavailable" });
    world.socket.onclose({ code: 1006, reason: "" });
    assert.deepEqual([tape.status.cause, tape.status.code, tape.status.retryAt], ["refused", 503, world.now + 7000]);
    const other = new World();
    const options = other.options({
      WebSocket: class {
        constructor() {
          throw new SyntaxError("bad url");
        }
      },
    });
    const failing = new Broadtape("ws://h", options);
    assert.deepEqual([failing.status.state, failing.status.cause], ["waiting", "unreachable"]);
  },

  async "publishing sends again with the same ids until it is answered"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options({ token: "t" }));
    await settled();
    const results = [{ id: "x", status: "accepted", positions: [] }];
    world.answers.push(new Error("reset"), [503, {}, { "Retry-After": "2" }], [200, { results }]);
    const published = tape.publish([{ type: "rateChange", key: "A", data: { rate: "1" } }, { id: "own", type: "x", data: {} }]);
    await settled();
    await world.advance(125);
    await settled();
    assert.equal(world.requests.length, 2);
    await world.advance(1_999);
    assert.equal(world.requests.length, 2);
    await world.advance(1);
    assert.deepEqual(await published, results);
    const [first, ...others] = world.requests;
    assert.equal(first.url, "http://h/events");
    assert.equal(first.method, "POST");
    assert.deepEqual(first.headers, { "Content-Type": "application/json", Authorization: "Bearer t" });
    assert.match(first.body[0].id, /^[0-9a-f]{32}$/);
    assert.equal(first.body[1].id, "own");
    for (const other of others) assert.deepEqual(other.body, first.body);
  },

  async "what cannot be published is said, and when it is not known"() {
    const world = new World();
    let tokens = 0;
    const tape = new Broadtape("ws://h", world.options({ token: () => `t${++tokens}` }));
    await settled();
    const items = [{ index: 0, field: "rate", message: "not a decimal string" }];
    world.answers.push([422, { code: "invalid_event", detail: "bad", items }]);
    await assert.rejects(tape.publish({ type: "rateChange" }), { code: "invalid_event", message: "bad", status: 422, items });
    world.answers.push([401, { code: "token_expired" }], [200, { results: [] }]);
    await tape.publish({ type: "rateChange" });
    assert.deepEqual(world.requests.slice(-2).map(({ headers }) => headers.Authorization), ["Bearer t1", "Bearer t2"]);
    world.answers.push([503, { code: "unavailable" }], [503, { code: "unavailable" }]);
    const timeout = assert.rejects(tape.publish({ type: "rateChange" }, { timeout: 200 }), { code: "timeout" });
    await settled();
    await world.advance(125);
    await timeout;
  },

  async "numbers are those that were published"() {
    const data = '{"a":12345678901234567891,"b":1.10,"c":1e400,"d":[1.5,-0.5,1E3,0.1],"e":"12345678901234567891 \\"1e400","f":1.0,"12345678901234567891":1}';
    const read = async (numbers) => {
      const world = new World();
      const tape = new Broadtape("ws://h", world.options({ numbers }));
      const got = [];
      tape.subscribe("a:b", { onEvent: ({ seq, data }) => got.push(seq, data) });
      world.open(subscribed(0));
      world.socket.onmessage({ data: `{"op":"event","channel":"a:b","seq":1,"id":"e","time":"t","data":${data}}` });
      world.answers.push([200, `{"channel":"a:b","epoch":"k","head":2,"first":1,"next":2,"events":[{"seq":2,"id":"e","time":"t","data":${data}}]}`]);
      const { events, head } = await tape.history("a:b");
      return [...got, head, events[0].seq, events[0].data];
    };
    const text = '12345678901234567891 "1e400';
    const exact = { a: "12345678901234567891", b: 1.1, c: "1e400", d: [1.5, -0.5, 1000, 0.1], e: text, f: 1, "12345678901234567891": 1 };
    assert.deepEqual(await read(undefined), [1, exact, 2, 2, exact]);
    const texts = { ...exact, b: "1.10", d: ["1.5", "-0.5", "1E3", "0.1"], f: "1.0", "12345678901234567891": "1" };
    assert.deepEqual(await read("text"), [1, texts, 2, 2, texts]);
    const same = ["0", "-0", "0.0", "0e999", "1e21", "1000000000000000000000", "123456789012345.60", "5e-324", "0.30", "9007199254740993.0e0"];
    assert.deepEqual(
      same.map((number) => parse(number)),
      [0, -0, 0, 0, 1e21, 1e21, 123456789012345.6, 5e-324, 0.3, "9007199254740993.0e0"],
    );
    for (const bad of ["01e400", "1.20000000000000000001.3", "[12345678901234567891", ""]) assert.throws(() => parse(bad), SyntaxError, bad);
  },

  async "what JSON has no number for is not published as null"() {
    const tape = new Broadtape("ws://h", new World().options());
    await assert.rejects(tape.publish({ type: "x", data: { amount: 1e400 } }), /amount is Infinity/);
    await assert.rejects(tape.publish({ type: "x", data: { amount: 10n } }), TypeError);
  },

  async "publishing takes the socket while one is open"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options({ token: "t" }));
    await settled();
    world.open();
    const results = [{ id: "x", status: "accepted", positions: [] }];
    const published = tape.publish({ type: "x", data: {} });
    const { op, id, events } = world.socket.sent.at(-1);
    assert.deepEqual([op, events.length], ["publish", 1]);
    world.say({ op: "published", id: "another", results: [] }, { op: "published", id, results });
    assert.deepEqual(await published, results);
    const refused = tape.publish({ type: "x", data: {} });
    const items = [{ index: 0, message: "no" }];
    world.say({ op: "error", id: world.socket.sent.at(-1).id, code: "invalid_event", message: "bad", items });
    await assert.rejects(refused, { code: "invalid_event", message: "bad", items });
    assert.deepEqual(world.errors, []);
    // What is too large for a message, or what the session's token does not allow any more, is a request.
    world.answers.push([200, { results }], [200, { results }]);
    assert.deepEqual(await tape.publish({ type: "x", data: { text: "x".repeat(61 << 10) } }), results);
    const expired = tape.publish({ type: "x", data: {} });
    world.say({ op: "error", id: world.socket.sent.at(-1).id, code: "token_expired", message: "expired" });
    assert.deepEqual(await expired, results);
    assert.equal(world.requests.length, 2);
  },

  async "what was published when the socket is lost is sent again with the same ids"() {
    const world = new World();
    const tape = new Broadtape("ws://h", world.options());
    world.open();
    const results = [{ id: "x", status: "duplicate", positions: [] }];
    const published = tape.publish({ type: "x", data: {} });
    const [event] = world.socket.sent.at(-1).events;
    world.socket.onclose({ code: 1006, reason: "" });
    world.answers.push([200, { results }]);
    await settled();
    await world.advance(125);
    assert.deepEqual(await published, results);
    assert.deepEqual(world.requests[0].body, [event]);
    await world.advance(250);
    world.open();
    const later = tape.publish({ type: "x", data: {} });
    const first = world.socket.sent.at(-1);
    world.say({ op: "error", id: first.id, code: "overloaded", message: "full", retryAfter: 700 });
    await settled();
    await world.advance(699);
    assert.equal(world.socket.sent.at(-1).id, first.id);
    await world.advance(1);
    const again = world.socket.sent.at(-1);
    assert.deepEqual(again.events, first.events);
    world.say({ op: "published", id: again.id, results });
    assert.deepEqual(await later, results);
    const silent = assert.rejects(tape.publish({ type: "x", data: {} }, { timeout: 300 }), { code: "timeout" });
    await world.advance(300);
    await silent;
  },

  async "a page of another origin publishes over the socket, or is told at once"() {
    const world = new World();
    const host = { addEventListener() {}, removeEventListener() {}, location: { origin: "https://app.example" } };
    const tape = new Broadtape("ws://h", world.options({ host }));
    const failed = new TypeError("Failed to fetch");
    const results = [{ id: "x", status: "accepted", positions: [] }];
    // The first socket is on its way: it is waited for.
    world.answers.push(failed, [200, ""]);
    const published = tape.publish({ type: "x", data: {} });
    await settled();
    world.open();
    await settled();
    world.say({ op: "published", id: world.socket.sent.at(-1).id, results });
    assert.deepEqual(await published, results);
    assert.deepEqual([world.requests[1].url, world.requests[1].mode], ["http://h/health/live", "no-cors"]);
    // Or it opens while the browser is asked.
    const other = new World();
    const early = new Broadtape("ws://h", other.options({ host }));
    other.answers.push(failed, [200, ""]);
    const also = early.publish({ type: "x", data: {} });
    other.open();
    await settled();
    other.say({ op: "published", id: other.socket.sent.at(-1).id, results });
    assert.deepEqual(await also, results);
    world.answers.push(failed, [200, ""]);
    await assert.rejects(tape.publish({ type: "x", data: { text: "x".repeat(61 << 10) } }), { code: "cross_origin", message: /61440 bytes/ });
    world.socket.onclose({ code: 1006, reason: "gone" });
    world.answers.push(failed, [200, ""]);
    await assert.rejects(tape.publish({ type: "x", data: {} }), { code: "cross_origin", message: /not open \(gone\)/ });
    world.answers.push(failed, [200, ""]);
    await assert.rejects(tape.history("a:b"), { code: "cross_origin", message: /allowed-origins/ });
    // A hub that is away is not a refusal.
    world.answers.push(failed, failed, failed, failed);
    const timeout = assert.rejects(tape.publish({ type: "x", data: {} }, { timeout: 200 }), { code: "timeout" });
    await settled();
    await world.advance(125);
    await timeout;
  },

  async "history has events like those that are delivered"() {
    const world = new World();
    const tape = new Broadtape("ws://h/tape/ws", world.options());
    const page = { channel: "rateChange:A/B", epoch: "k", head: 9, first: 1, next: 2, events: [{ seq: 2, id: "e", time: "t", data: {} }] };
    world.answers.push([200, page]);
    const { events, next, head } = await tape.history("rateChange:A/B", { after: 1, limit: 1 });
    assert.equal(world.requests[0].url, "http://h/tape/channels/rateChange%3AA%2FB/events?after=1&limit=1");
    assert.deepEqual([next, head], [2, 9]);
    assert.deepEqual(events, [{ channel: "rateChange:A/B", type: "rateChange", key: "A/B", epoch: "k", seq: 2, id: "e", time: "t", data: {} }]);
    await assert.rejects(tape.history("balanceUpdate"), { code: "not_authenticated" });
    tape.subscribe("balanceUpdate", { onEvent() {} });
    world.open(subscribed(0, "live", { channel: "balanceUpdate:u" }));
    world.answers.push([200, { ...page, events: [] }]);
    await tape.history("balanceUpdate");
    assert.equal(world.requests.at(-1).url, "http://h/tape/channels/balanceUpdate%3Au/events?");
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
  } catch (error) {
    failed += 1;
    console.error(`${name}: ${error.stack}`);
  }
}
console.log(`${Object.keys(tests).length} tests, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

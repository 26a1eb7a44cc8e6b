// SPDX-License-Identifier: Apache-2.0
//
// Broadtape's client for browsers and Node: connects, authenticates, subscribes, resumes where the last connection got
// to, and reports gaps instead of hiding them. One ES module, no dependencies; types are in broadtape.d.ts.
//
// `Machine` decides, as a value would: time, randomness and messages are its arguments, what is to be done is its
// answer. `Broadtape` does it. The vectors in Tests/Vectors drive the machine.

/** Before the hub has told its own, in ms. */
const DEFAULT_HEARTBEAT = 10_000;
/** For TCP, TLS and the upgrade together, in ms. */
const CONNECT_LIMIT = 10_000;
/** Longest time that a hub can ask to stay away, in ms. */
const LONGEST_WAIT = 600_000;
/** Silence after which the hub is asked for a sign of life, in heartbeats. */
const SILENCE = 1.25;
/** How long that sign is waited for: so many heartbeats, at most so many ms. */
const PROBE_HEARTBEATS = 0.75;
const PROBE_LIMIT = 5_000;
/** A timer that is later than this, and than a heartbeat, was asleep; in ms. */
const ASLEEP = 5_000;
/** How many heartbeats a channel may stand still behind its head while others get on. */
const PATIENCE = 3;
/** Bytes of one subscribe request; the hub takes messages of 64 KiB. */
const SUBSCRIBE_BYTES = 32 << 10;
/** Bytes of events that are published over the socket; more goes over HTTP. */
const PUBLISH_BYTES = 60 << 10;
/** Tokens are replaced when a fifth of their life is left, but not earlier than half a minute before their end. */
const REFRESH_LEAD = 30_000;
/** setTimeout counts in 32 bits. */
const LONGEST_TIMER = 0x7fffffff;
/** Closes that say that the two sides do not understand each other; 4500–4999 are final by contract. */
const FINAL_CODES = new Set([1002, 1003, 1007, 1008, 1009, 1010]);

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const isNumber = (value) => Number.isSafeInteger(value) && value >= 0;

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Without one of these every number of a text is one that JavaScript has: it keeps 15 digits. */
const LONG_NUMBER = /[\d.]{16}|\d[eE]/;

/** The same text for all spellings of a number, such as `1.10` and `11e-1`. */
function canonical(number) {
  const [, sign, whole, part = "", exponent = 0] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(number) ?? [];
  if (whole === undefined) return number;
  const digits = (whole + part).replace(/^0+/, "");
  const short = digits.replace(/0+$/, "");
  return short && `${sign}${short}e${Number(exponent) - part.length + digits.length - short.length}`;
}

/** `JSON.parse`, with the text of those numbers for which `isText` is true. */
function parseNumbers(json, isText) {
  return JSON.parse(json.replace(TOKENS, (token) => (token[0] !== '"' && isText(token) ? `"${token}"` : token)));
}

/**
 * Parses a message or a page of events. A number that JavaScript would change is its text; with `numbers` "text", each
 * number in `data` is.
 */
export function parse(json, numbers) {
  const isChanged = (number) => canonical(number) !== canonical(String(Number(number)));
  const value = LONG_NUMBER.test(json) ? parseNumbers(json, isChanged) : JSON.parse(json);
  if (numbers !== "text") return value;
  const texts = parseNumbers(json, () => true);
  if (value?.data !== undefined) value.data = texts.data;
  if (Array.isArray(value?.events)) value.events.forEach((event, index) => (event.data = texts.events[index].data));
  return value;
}

/** Refuses to publish as `null` what JSON has no number for. */
function checked(name, value) {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`${name} is ${value}; JSON has no such number`);
  return value;
}

/** What a client remembers of one channel over all its connections. */
class Track {
  constructor(wanted) {
    this.wanted = wanted;
    /** idle | requested | active | held | postponed | refused */
    this.phase = "idle";
    /** The full name, once the hub has told it. */
    this.channel = wanted.channel;
    this.epoch = wanted.since === undefined ? undefined : wanted.epoch;
    /** Everything up to here was delivered, or is known to be gone. */
    this.seq = wanted.since ?? 0;
    /** Whether `seq` is a place to resume from; not so before the state at the beginning has arrived. */
    this.isResumable = wanted.since !== undefined;
    /** The head that the snapshots under way lead up to. */
    this.snapshotHead = undefined;
    this.needsSnapshot = false;
    /** The least number that may be saved as a cursor: below it the state at the beginning is not complete. */
    this.savableFrom = 0;
    this.saved = undefined;
    /** A handler threw: the cursor stays before its event. */
    this.isFrozen = false;
    this.request = undefined;
    this.postponements = 0;
    this.until = 0;
    this.toldHead = 0;
    this.behindSince = undefined;
  }

  get subscription() {
    const request = { channel: this.channel };
    if (this.isResumable) {
      request.since = this.seq;
      if (this.epoch !== undefined) request.epoch = this.epoch;
    } else if (this.needsSnapshot) {
      request.snapshot = true;
    } else if (this.wanted.snapshot !== undefined) {
      request.snapshot = this.wanted.snapshot;
    }
    if (this.wanted.interval !== undefined) request.interval = this.wanted.interval;
    return request;
  }

  sessionEnded() {
    if (this.phase !== "refused" && this.phase !== "held") this.phase = "idle";
    this.request = undefined;
    this.behindSince = undefined;
    this.toldHead = 0;
  }

  /** The latest time at which standing still behind the head is still no fault. */
  patience(heartbeat, lastEvent) {
    const own = this.wanted.interval ?? 0;
    const quiet = Math.max(this.behindSince + heartbeat + own, lastEvent + heartbeat);
    return Math.min(quiet, this.behindSince + PATIENCE * heartbeat + own);
  }
}

/**
 * The client without its input and output. Not part of the API of applications.
 *
 * Every input takes `at`: `{now, wall, random}` – milliseconds of a clock that never goes back, milliseconds since 1970,
 * a number drawn evenly from 0 to 1 – and returns outputs, objects with one member each: `connect`, `askToken`, `send`,
 * `close` are to be done; `status`, `subscribed`, `event`, `snapshot`, `caughtUp`, `gap`, `behind`, `stale`, `refused`,
 * `published`, `unpublished`, `error` are to be told; `save` is a cursor to keep. `wakeAt` is when `wake` wants to be called.
 */
export class Machine {
  /** idle | token | connecting | open | waiting | offline | closed */
  #phase = "idle";
  /** The end of a wait or of an attempt to connect. */
  #until = 0;
  /** Whether the hub has chosen the time of the wait. */
  #isHinted = false;
  #openedAt = 0;
  #failures = 0;
  #invitation = undefined;
  #isOffline = false;
  #heartbeat = DEFAULT_HEARTBEAT;
  #lastHeard = 0;
  #lastEvent = 0;
  #probeUntil = undefined;
  #refreshAt = undefined;
  #isRefreshing = false;
  #token = undefined;
  #told = { paused: false, stale: [] };
  #session = undefined;

  #tracks = new Set();
  /** By the name that was asked for, and by the full name once it is known. */
  #places = new Map();
  /** Requests that ask for one channel each, whose full name only the answer tells. */
  #pending = new Map();
  /** Requests whose channel was given up before the answer. */
  #cancelled = new Set();
  #behind = new Set();
  #postponed = new Set();
  /** Requests to publish that have no answer yet, by id. */
  #publishing = new Map();
  #lastID = 0;

  #hasToken;
  #numbers;
  #backoff;
  #at;
  #out = [];

  constructor({ hasToken = false, numbers, backoff = {} } = {}) {
    this.#hasToken = hasToken;
    this.#numbers = numbers;
    this.#backoff = { base: 500, cap: 30_000, stableAfter: 30_000, ...backoff };
  }

  #input(at, body) {
    this.#at = at;
    this.#out = [];
    body();
    return this.#out;
  }

  #tell(output) {
    this.#out.push(output);
  }

  /** Where the channels have got to, as far as they can be resumed from there. */
  get positions() {
    return [...this.#tracks]
      .filter((track) => track.isResumable && track.epoch !== undefined)
      .map(({ channel, epoch, seq }) => ({ channel, epoch, seq }));
  }

  /** When to call `wake`; Infinity for never. */
  get wakeAt() {
    switch (this.#phase) {
      case "waiting":
      case "connecting":
        return this.#until;
      case "open": {
        let time = this.#probeUntil ?? this.#lastHeard + SILENCE * this.#heartbeat;
        if (this.#refreshAt !== undefined) time = Math.min(time, this.#refreshAt);
        for (const track of this.#postponed) time = Math.min(time, track.until);
        for (const track of this.#told.paused ? [] : this.#behind) {
          time = Math.min(time, track.patience(this.#heartbeat, this.#lastEvent) + 1);
        }
        return time;
      }
      default:
        return Infinity;
    }
  }

  // Connecting

  start(at) {
    return this.#input(at, () => {
      if (this.#phase === "idle") this.#connect();
    });
  }

  close(at) {
    return this.#input(at, () => {
      if (this.#phase === "closed") return;
      if (this.#phase === "connecting" || this.#phase === "open") this.#tell({ close: {} });
      this.#sessionEnded();
      this.#phase = "closed";
      this.#status({ cause: "client" });
    });
  }

  reconnect(at) {
    return this.#input(at, () => {
      if (this.#phase === "connecting" || this.#phase === "open") this.#tell({ close: {} });
      this.#sessionEnded();
      if (this.#phase === "closed") this.#failures = 0;
      this.#connect();
    });
  }

  tokenArrived(at, token) {
    return this.#input(at, () => {
      if (this.#phase === "token") return this.#dial(token);
      if (this.#phase !== "open" || !this.#isRefreshing) return;
      this.#isRefreshing = false;
      if (token === this.#token) return;
      this.#token = token;
      this.#send({ op: "auth", token });
    });
  }

  tokenFailed(at, reason) {
    return this.#input(at, () => {
      // The present token of an open session is good until the hub closes; then the provider is asked again.
      this.#isRefreshing = false;
      if (this.#phase === "token") this.#lost({ cause: "no_token", reason });
    });
  }

  opened(at) {
    return this.#input(at, () => {
      if (this.#phase !== "connecting") return;
      this.#phase = "open";
      this.#openedAt = this.#lastHeard = this.#lastEvent = at.now;
      this.#invitation = undefined;
      this.#heartbeat = DEFAULT_HEARTBEAT;
      this.#request([...this.#tracks].filter((track) => track.phase === "idle"));
    });
  }

  /**
   * The connection has ended, or could not be made: `{code, reason}` of a close, `{failed: reason}` or, where the
   * answer to the upgrade can be seen, `{status, retryAfter, reason}` with seconds.
   */
  ended(at, { code, reason = "", failed, status, retryAfter }) {
    return this.#input(at, () => {
      if (this.#phase !== "connecting" && this.#phase !== "open") return;
      if (status !== undefined) this.#lost({ cause: "refused", code: status, reason, retryAfter });
      else if (failed !== undefined) this.#lost({ cause: "unreachable", reason: failed });
      else this.#lost({ cause: "closed", code, reason });
    });
  }

  #connect() {
    this.#phase = this.#hasToken ? "token" : "connecting";
    this.#status();
    if (this.#hasToken) this.#tell({ askToken: { refresh: false } });
    else this.#dial(undefined);
  }

  #dial(token) {
    this.#phase = "connecting";
    this.#until = this.#at.now + CONNECT_LIMIT;
    this.#token = token;
    this.#tell({ connect: token === undefined ? {} : { token } });
  }

  /** This side gives the connection up. */
  #giveUp(ending) {
    this.#tell({ close: {} });
    this.#lost(ending);
  }

  #sessionEnded() {
    for (const track of this.#tracks) track.sessionEnded();
    this.#behind.clear();
    this.#postponed.clear();
    this.#pending.clear();
    this.#cancelled.clear();
    for (const request of this.#publishing.values()) this.#tell({ unpublished: { request } });
    this.#publishing.clear();
    this.#probeUntil = this.#refreshAt = this.#session = undefined;
    this.#isRefreshing = false;
    this.#told = { ...this.#told, paused: false, user: undefined };
  }

  #lost(ending) {
    const { now } = this.#at;
    if (this.#phase === "open" && now - this.#openedAt >= this.#backoff.stableAfter) this.#failures = 0;
    this.#sessionEnded();
    const { cause, code, reason } = ending;
    if (isFinal(ending)) {
      this.#phase = "closed";
      return this.#status({ cause, code, reason });
    }
    const delay = this.#delay(ending);
    this.#until = now + delay;
    this.#phase = this.#isOffline ? "offline" : "waiting";
    this.#status({ cause, code, reason, ...(this.#isOffline ? {} : { retryIn: delay }) });
  }

  /** How long to stay away; sets whether the hub has chosen it. */
  #delay(ending) {
    const invitation = this.#invitation ?? invitationIn(ending);
    this.#invitation = undefined;
    this.#isHinted = true;
    // The hub chose a time for this client alone, so nothing is added to it.
    if (invitation !== undefined) return Math.min(invitation, LONGEST_WAIT);
    this.#failures += 1;
    const delay = this.#jitter(this.#failures);
    const { retryAfter } = ending;
    this.#isHinted = Number.isFinite(retryAfter) && retryAfter >= 0 && retryAfter <= 86_400;
    return this.#isHinted ? Math.max(delay, Math.min(retryAfter * 1000, LONGEST_WAIT)) : delay;
  }

  /** Full jitter under an exponential bound, so that the clients of a hub that restarts do not return as one. */
  #jitter(failures) {
    const { base, cap } = this.#backoff;
    return Math.floor(Math.min(cap, base * 2 ** clamp(failures - 1, 0, 32)) * clamp(this.#at.random, 0, 1));
  }

  #status(more = {}) {
    const state =
      this.#phase === "token" ? "connecting" : this.#phase === "open" ? "live" : this.#phase;
    this.#tell({ status: { state, attempt: this.#failures, ...this.#session, ...this.#told, ...more } });
  }

  // The host

  offline(at) {
    return this.#input(at, () => {
      this.#isOffline = true;
      if (this.#phase === "waiting") {
        this.#phase = "offline";
        this.#status();
      } else if (this.#phase === "open") {
        // Networks change without every connection dying: it has to answer.
        this.#probe();
      }
    });
  }

  online(at) {
    return this.#input(at, () => {
      this.#isOffline = false;
      this.#woke();
    });
  }

  /** The page is seen again, or the machine was asleep. */
  visible(at) {
    return this.#input(at, () => this.#woke());
  }

  #woke() {
    const { now } = this.#at;
    if (this.#phase === "open") return this.#probe();
    const isOffline = this.#phase === "offline" && !this.#isOffline;
    if (!isOffline && this.#phase !== "waiting") return;
    // A time that the hub has chosen remains.
    const soon = now + this.#jitter(1);
    const until = this.#isHinted ? Math.max(this.#until, now) : isOffline ? soon : Math.min(this.#until, soon);
    if (!isOffline && until === this.#until) return;
    this.#until = until;
    this.#phase = "waiting";
    this.#status({ retryIn: until - now });
  }

  /** Asks the hub for a sign of life; anything it says is one. */
  #probe() {
    this.#send({ op: "ping" });
    this.#probeUntil = this.#at.now + Math.min(PROBE_HEARTBEATS * this.#heartbeat, PROBE_LIMIT);
  }

  // The clock

  /** `late`: by how many ms the call comes later than `wakeAt`; whoever was asleep did not hear anything. */
  wake(at, late = 0) {
    return this.#input(at, () => {
      switch (this.#phase) {
        case "waiting":
          if (at.now >= this.#until) this.#connect();
          break;
        case "connecting":
          if (at.now >= this.#until) {
            this.#giveUp({ cause: "timeout", reason: `no answer within ${CONNECT_LIMIT} ms` });
          }
          break;
        case "open":
          this.#tick(late);
          break;
      }
    });
  }

  #tick(late) {
    const { now } = this.#at;
    if (late > Math.max(this.#heartbeat, ASLEEP)) {
      for (const track of this.#behind) track.behindSince = now;
      this.#lastEvent = now;
      this.#probe();
    }
    if (this.#refreshAt !== undefined && now >= this.#refreshAt) {
      this.#refreshAt = undefined;
      this.#isRefreshing = true;
      this.#tell({ askToken: { refresh: true } });
    }
    const overdue = [...this.#postponed].filter((track) => track.until <= now);
    for (const track of overdue) this.#postponed.delete(track);
    this.#request(overdue);
    if (this.#probeUntil === undefined) {
      if (now >= this.#lastHeard + SILENCE * this.#heartbeat) this.#probe();
    } else if (now >= this.#probeUntil) {
      return this.#giveUp({ cause: "silent", reason: `nothing was heard for ${now - this.#lastHeard} ms` });
    }
    for (const track of this.#told.paused ? [] : this.#behind) {
      if (now > track.patience(this.#heartbeat, this.#lastEvent)) {
        const reason = `${track.channel} stayed behind its head while nothing arrived`;
        return this.#giveUp({ cause: "behind", reason });
      }
    }
  }

  // Channels

  /** `{channel, since, epoch, snapshot, interval}`; throws for a channel that is followed already. */
  subscribe(at, wanted) {
    return this.#input(at, () => {
      if (this.#places.has(wanted.channel)) throw new Error(`${wanted.channel} is subscribed to already`);
      const track = new Track(wanted);
      this.#tracks.add(track);
      this.#places.set(wanted.channel, track);
      if (this.#phase === "open") this.#request([track]);
    });
  }

  unsubscribe(at, channel) {
    return this.#input(at, () => {
      const track = this.#places.get(channel);
      if (!track) return;
      this.#leave(track);
      this.#tracks.delete(track);
      for (const [name, place] of this.#places) if (place === track) this.#places.delete(name);
    });
  }

  /** Ends the subscription on the wire but keeps its place, for a consumer that does not keep up. */
  hold(at, channel) {
    return this.#input(at, () => {
      const track = this.#places.get(channel);
      if (!track || track.phase === "refused" || track.phase === "held") return;
      this.#leave(track);
      track.phase = "held";
    });
  }

  /** Goes on where `hold` left off. */
  release(at, channel) {
    return this.#input(at, () => {
      const track = this.#places.get(channel);
      if (track?.phase !== "held") return;
      track.phase = "idle";
      if (this.#phase === "open") this.#request([track]);
    });
  }

  #leave(track) {
    this.#behind.delete(track);
    this.#postponed.delete(track);
    track.behindSince = undefined;
    if (this.#phase !== "open") return;
    if (track.phase === "requested") {
      // The answer to a request for one's own channel has its full name; such a request is for that channel alone.
      const isNamed = track.channel.includes(":");
      this.#cancelled.add(isNamed ? `${track.request} ${track.channel}` : `${track.request}`);
      this.#pending.delete(track.request);
    }
    if (track.phase === "requested" || track.phase === "active") {
      this.#send({ op: "unsubscribe", channel: track.channel });
    }
  }

  /** The handler of an event has returned: its number may be saved. */
  handled(at, { channel, epoch, seq }) {
    return this.#input(at, () => {
      const track = this.#places.get(channel);
      if (!track || track.isFrozen || track.epoch !== epoch || seq < track.savableFrom) return;
      if (track.saved?.epoch === epoch && track.saved.seq >= seq) return;
      track.saved = { epoch, seq };
      this.#tell({ save: { channel: track.channel, epoch, seq } });
    });
  }

  /** The handler of an event has failed: no later number is saved, so that the event comes again after a restart. */
  failed(at, { channel }) {
    return this.#input(at, () => {
      const track = this.#places.get(channel);
      if (track) track.isFrozen = true;
    });
  }

  /** Publishes `request.events`; what becomes of the request is told, without an error where the session has ended. */
  publish(at, request) {
    return this.#input(at, () => {
      if (this.#session === undefined) return this.#tell({ unpublished: { request } });
      this.#send({ op: "publish", events: request.events });
      this.#publishing.set(this.#lastID, request);
    });
  }

  #published(id, output) {
    const request = this.#publishing.get(id);
    this.#publishing.delete(id);
    if (request) this.#tell(output(request));
    return request !== undefined;
  }

  #send(message) {
    this.#tell({ send: message.op === "subscribe" ? message : { ...message, id: ++this.#lastID } });
  }

  #request(tracks) {
    const named = [];
    for (const track of tracks) {
      track.phase = "requested";
      if (track.channel.includes(":")) {
        named.push(track);
      } else {
        this.#pending.set(this.#subscribe([track]), track);
      }
    }
    let batch = [];
    let bytes = 0;
    for (const track of named) {
      // A character takes up to six bytes; the other members take less than 128.
      const cost = 128 + 6 * (track.channel.length + (track.epoch?.length ?? 0));
      if (batch.length > 0 && bytes + cost > SUBSCRIBE_BYTES) {
        this.#subscribe(batch);
        batch = [];
        bytes = 0;
      }
      batch.push(track);
      bytes += cost;
    }
    if (batch.length > 0) this.#subscribe(batch);
  }

  #subscribe(tracks) {
    const id = ++this.#lastID;
    for (const track of tracks) track.request = id;
    this.#send({ op: "subscribe", channels: tracks.map((track) => track.subscription), id });
    return id;
  }

  /** Whether it answers a request whose channel was given up meanwhile. */
  #isCancelled(channel, id) {
    return this.#cancelled.delete(`${id} ${channel}`) || this.#cancelled.delete(`${id}`);
  }

  #place(channel, id) {
    return this.#places.get(channel) ?? (id === undefined ? undefined : this.#pending.get(id));
  }

  // From the hub

  /** A text message arrived; anything but a string is none. */
  received(at, text) {
    return this.#input(at, () => {
      if (this.#phase !== "open") return;
      this.#lastHeard = at.now;
      this.#probeUntil = undefined;
      const fault = this.#read(text);
      if (fault) this.#giveUp({ cause: "protocol", reason: fault });
    });
  }

  /** Returns what is wrong with a message, if anything is. */
  #read(text) {
    let message;
    try {
      message = typeof text === "string" ? parse(text, this.#numbers) : undefined;
    } catch {
      return "a message is not JSON";
    }
    if (typeof message !== "object" || message === null || typeof message.op !== "string") {
      return 'a message is not an object with an "op"';
    }
    const missing = REQUIRED[message.op]?.find(([name, isGood]) => !isGood(message[name]));
    if (missing) return `a message "${message.op}" has no usable "${missing[0]}"`;
    switch (message.op) {
      case "event":
        this.#event(message);
        break;
      case "snapshot":
        this.#snapshot(message);
        break;
      case "heartbeat":
        this.#heartbeatCame(message);
        break;
      case "caughtUp":
        if (this.#places.get(message.channel)?.phase === "active") {
          this.#tell({ caughtUp: { channel: message.channel, seq: message.seq } });
        }
        break;
      case "subscribed":
        this.#subscribed(message);
        break;
      case "unsubscribed":
        if (message.reason !== undefined) {
          this.#fault({ ...message, code: message.reason, message: "the token does not allow it any more" });
        }
        break;
      case "welcome":
        this.#heartbeat = clamp(message.heartbeat, 1, 3_600_000);
        this.#session = { session: message.session, node: message.node ?? "" };
        this.#status();
        break;
      case "authenticated":
        this.#told.user = message.user;
        this.#scheduleRefresh(message.expires);
        this.#status();
        break;
      case "published":
        this.#published(message.id, (request) => ({ published: { request, results: message.results } }));
        break;
      case "error":
        if (!this.#published(message.id, (request) => ({ unpublished: { request, error: message } }))) this.#fault(message);
        break;
      case "goodbye":
        this.#invitation = clamp(isNumber(message.reconnectAfter) ? message.reconnectAfter : 0, 0, LONGEST_WAIT);
        break;
    }
    return undefined;
  }

  #scheduleRefresh(expires) {
    this.#refreshAt = undefined;
    const left = Math.floor(Date.parse(expires ?? "") - this.#at.wall);
    if (!this.#hasToken || !(left > 0)) return;
    this.#refreshAt = this.#at.now + Math.max(Math.floor((left * 4) / 5), left - REFRESH_LEAD);
  }

  #subscribed({ id, channel, epoch, head, mode }) {
    if (this.#isCancelled(channel, id)) return;
    const track = this.#place(channel, id);
    if (!track || track.phase === "refused" || track.phase === "held") return;
    this.#pending.delete(id);
    this.#places.set(channel, track);
    const known = track.isResumable ? track.seq : undefined;
    track.phase = "active";
    track.channel = channel;
    track.epoch = epoch;
    track.postponements = 0;
    track.needsSnapshot = false;
    if (mode === "resumed") {
      track.isResumable = true;
    } else {
      track.seq = head;
      track.isResumable = mode !== "snapshot";
      track.snapshotHead = track.isResumable ? undefined : head;
      track.savableFrom = track.isResumable ? 0 : head;
      if (known !== undefined && known < head) this.#gap(track, known + 1, head, "missing");
    }
    this.#tell({ subscribed: { channel, wanted: track.wanted.channel, epoch, head, mode, seq: track.seq } });
    if (track.seq < head) this.#toldHead(track, head);
  }

  #content(message, track) {
    const { channel, seq, id, time = "", data, skipped, traceparent } = message;
    const colon = channel.indexOf(":");
    const event = { channel, type: channel.slice(0, colon), key: channel.slice(colon + 1), seq, epoch: track.epoch };
    Object.assign(event, { id, time, data });
    if (isNumber(skipped) && skipped > 0) event.skipped = skipped;
    if (traceparent !== undefined) event.traceparent = traceparent;
    return event;
  }

  #snapshot(message) {
    const track = this.#places.get(message.channel);
    if (track?.phase !== "active") return;
    this.#lastEvent = this.#at.now;
    // Ascending, so the one that is the head is the last.
    if (track.snapshotHead !== undefined && message.seq >= track.snapshotHead) {
      track.snapshotHead = undefined;
      track.isResumable = true;
    }
    this.#tell({ snapshot: this.#content(message, track) });
  }

  #event(message) {
    const track = this.#places.get(message.channel);
    if (track?.phase !== "active") return;
    this.#lastEvent = this.#at.now;
    const { seq } = message;
    if (seq <= track.seq) return;
    const last = track.seq;
    track.seq = seq;
    track.snapshotHead = undefined;
    track.isResumable = true;
    const event = this.#content(message, track);
    const first = seq - (event.skipped ?? 0);
    if (first > last + 1) this.#gap(track, last + 1, first - 1, "missing");
    this.#tell({ event });
    if (track.behindSince === undefined) return;
    if (seq < track.toldHead) {
      track.behindSince = this.#at.now;
      return;
    }
    track.behindSince = undefined;
    this.#behind.delete(track);
    this.#tell({ behind: { channel: track.channel, behind: false, head: seq, seq } });
  }

  #gap(track, from, to, reason) {
    this.#tell({ gap: { channel: track.channel, from, to, reason } });
  }

  #heartbeatCame({ heads, paused = false, stale = [] }) {
    // Another connection would not get on either: patience begins when the hub has its log again.
    if (this.#told.paused && paused !== true) {
      this.#lastEvent = this.#at.now;
      for (const track of this.#behind) track.behindSince = this.#at.now;
    }
    for (const [channel, head] of Object.entries(heads ?? {})) {
      const track = this.#places.get(channel);
      if (track?.phase === "active" && isNumber(head)) this.#toldHead(track, head);
    }
    const sources = Array.isArray(stale) ? stale.filter((source) => typeof source === "string") : [];
    const isStaleNew = sources.join("\n") !== this.#told.stale.join("\n");
    if (!isStaleNew && this.#told.paused === (paused === true)) return;
    this.#told = { ...this.#told, paused: paused === true, stale: sources };
    this.#status();
    if (isStaleNew) this.#tell({ stale: { sources } });
  }

  #toldHead(track, head) {
    track.toldHead = Math.max(track.toldHead, head);
    if (track.seq >= track.toldHead) return;
    if (track.behindSince === undefined) {
      track.behindSince = this.#at.now;
      this.#behind.add(track);
    }
    this.#tell({ behind: { channel: track.channel, behind: true, head: track.toldHead, seq: track.seq } });
  }

  /** The hub refused a request or ended a subscription. */
  #fault(fault) {
    const { id, channel, code = "unknown", message = "", action, retryAfter } = fault;
    if (this.#isCancelled(channel, id)) return;
    const track = this.#place(channel, id);
    const error = { code, message, ...(channel && { channel }), ...(action && { action }) };
    if (!track || track.phase === "refused" || track.phase === "held") return this.#tell({ error });
    const isLost = code === "cursor_expired" || code === "epoch_changed";
    if (isLost && track.isResumable) {
      this.#gap(track, track.seq + 1, undefined, code);
      track.isResumable = false;
      track.snapshotHead = undefined;
      track.needsSnapshot = true;
      track.behindSince = undefined;
      this.#behind.delete(track);
      this.#request([track]);
    } else if (isLost || code === "unavailable" || code === "overloaded") {
      track.postponements += 1;
      track.phase = "postponed";
      const delay = this.#jitter(track.postponements + 1);
      track.until = this.#at.now + Math.max(delay, Math.min(isNumber(retryAfter) ? retryAfter : 0, LONGEST_WAIT));
      track.behindSince = undefined;
      this.#behind.delete(track);
      this.#postponed.add(track);
    } else if (code === "already_subscribed" && track.phase === "active") {
      this.#tell({ error });
    } else {
      track.phase = "refused";
      this.#behind.delete(track);
      this.#tell({ refused: { ...error, channel: track.wanted.channel } });
    }
  }
}

const isText = (value) => typeof value === "string";
const EVENT = [["channel", isText], ["seq", isNumber], ["id", isText], ["data", (value) => value !== undefined]];

/** What messages must have. */
const REQUIRED = {
  event: EVENT,
  snapshot: EVENT,
  caughtUp: [["channel", isText], ["seq", isNumber]],
  subscribed: [["channel", isText], ["epoch", isText], ["head", isNumber], ["mode", isText]],
  unsubscribed: [["channel", isText]],
  published: [["results", Array.isArray]],
  welcome: [["session", isText], ["heartbeat", isNumber]],
  authenticated: [["user", isText]],
};

/** Whether connecting again would end the same way. */
function isFinal({ cause, code }) {
  switch (cause) {
    case "closed":
      return FINAL_CODES.has(code) || (code >= 4500 && code <= 4999);
    case "refused":
      return !(code === 408 || code === 425 || code === 429 || code >= 500);
    case "protocol":
      return true;
    default:
      return false;
  }
}

/** `draining;retry=18250` in the reason of close code 4001: ms until the client is to come back. */
function invitationIn({ cause, code, reason = "" }) {
  if (cause !== "closed" || code !== 4001) return undefined;
  const match = /(?:^|;)retry=(\d{1,7})(?:;|$)/.exec(reason);
  return match && Number(match[1]) <= 3_600_000 ? Number(match[1]) : undefined;
}

/** What the hub, or this client, complains about; `code` is a word to decide by. */
export class BroadtapeError extends Error {
  constructor(code, message, more = {}) {
    super(message);
    this.name = "BroadtapeError";
    this.code = code;
    Object.assign(this, more);
  }
}

/** Cursors in `localStorage` (or another Web Storage), under `prefix:channel`. */
export function storedCursors(prefix = "broadtape", storage = globalThis.localStorage) {
  const key = (channel) => `${prefix}:${channel}`;
  return {
    load(channel) {
      try {
        const { seq, epoch } = JSON.parse(storage.getItem(key(channel)) ?? "null") ?? {};
        return isNumber(seq) && typeof epoch === "string" ? { seq, epoch } : undefined;
      } catch {
        return undefined;
      }
    },
    save(channel, { seq, epoch }) {
      storage.setItem(key(channel), JSON.stringify({ seq, epoch }));
    },
  };
}

/** One followed channel. Made by `Broadtape.subscribe`. */
class Subscription {
  #options;
  #hooks;
  /** What waits for the handler, in order: at most `buffer` events, see `overflow`. */
  #queue = [];
  #events = 0;
  #isBusy = false;
  #isHeld = false;
  #reader = undefined;
  #unread = undefined;
  #ending = undefined;

  constructor(name, options, hooks) {
    this.#options = { buffer: 1000, overflow: "pause", ...options };
    this.#hooks = hooks;
    /** As it was asked for; the full name once the hub has told it. */
    this.channel = name;
    this.epoch = undefined;
    /** Everything up to here was received. */
    this.seq = undefined;
    this.isClosed = false;
  }

  close() {
    if (this.isClosed) return;
    this.#hooks.close();
    this.end();
  }

  /** It is over: by `close`, or with an error that the hub had. */
  end(error) {
    this.isClosed = true;
    this.#queue = [];
    this.#events = 0;
    this.#interrupt(error ?? null);
  }

  /** Readers learn that nothing will come; `null` for an end without an error. */
  interrupt(error) {
    this.#interrupt(error);
  }

  #interrupt(ending) {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader) ending ? reader.reject(ending) : reader.resolve({ done: true, value: undefined });
    else if (this.isClosed || ending) this.#ending = ending;
  }

  take(kind, value) {
    if (this.isClosed) return;
    if (kind === "behind") return this.#hooks.call(this.#options.onStatus, value);
    if (kind === "stale") return this.#hooks.call(this.#options.onStale, value);
    if (kind === "subscribed") {
      this.channel = value.channel;
      this.epoch = value.epoch;
      this.seq = value.seq;
    }
    if (kind === "event" || kind === "snapshot") {
      this.seq = Math.max(this.seq ?? 0, value.seq);
      this.#makeRoom(value);
      this.#events += 1;
    }
    this.#queue.push({ kind, value });
    this.#ending = undefined;
    this.#pump();
  }

  /** Nothing waits without bound: the subscription pauses on the wire, or the oldest event makes room. */
  #makeRoom(newest) {
    const { buffer, overflow } = this.#options;
    if (this.#events + 1 < buffer) return;
    if (overflow !== "dropOldest") {
      if (!this.#isHeld) {
        this.#isHeld = true;
        this.#hooks.hold();
      }
      return;
    }
    while (this.#events >= buffer) {
      const index = this.#queue.findIndex(({ kind }) => kind === "event" || kind === "snapshot");
      const [{ kind, value }] = this.#queue.splice(index, 1);
      this.#events -= 1;
      if (kind === "snapshot") continue;
      const next = this.#queue.slice(index).find((item) => item.kind === "event")?.value ?? newest;
      next.skipped = (next.skipped ?? 0) + (value.skipped ?? 0) + 1;
    }
  }

  #shift() {
    const item = this.#queue.shift();
    if (item && (item.kind === "event" || item.kind === "snapshot")) this.#events -= 1;
    if (this.#isHeld && this.#events <= this.#options.buffer / 2) {
      this.#isHeld = false;
      this.#hooks.release();
    }
    return item;
  }

  /** Gives what waits to the handlers, or to the one who iterates. */
  #pump() {
    while (!this.#isBusy && !this.isClosed && this.#queue.length > 0) {
      const { kind, value } = this.#queue[0];
      const { onEvent, onSnapshot, onCaughtUp, onGap } = this.#options;
      const isRead = (kind === "event" || kind === "snapshot") && !onEvent;
      if (isRead && !(kind === "snapshot" && onSnapshot)) {
        if (!this.#reader) return;
        const reader = this.#reader;
        this.#reader = undefined;
        this.#shift();
        this.#unread = value;
        if (kind === "snapshot") value.snapshot = true;
        reader.resolve({ done: false, value });
        return;
      }
      this.#shift();
      if (kind === "snapshot" && !onSnapshot) value.snapshot = true;
      const handlers = { event: onEvent, snapshot: onSnapshot ?? onEvent, caughtUp: onCaughtUp, gap: onGap };
      this.#handle(handlers[kind], kind, value);
    }
  }

  #handle(handler, kind, value) {
    // Where a subscription that begins live has begun is a place to resume from as well.
    const isPlace = kind === "event" || kind === "snapshot" || (kind === "subscribed" && value.mode === "live");
    const done = () => isPlace && this.#hooks.handled(value);
    const failed = (error) => this.#hooks.failed(kind, value, error);
    let result;
    try {
      result = handler?.(value);
    } catch (error) {
      return failed(error);
    }
    if (typeof result?.then !== "function") return done();
    this.#isBusy = true;
    result.then(done, failed).then(() => {
      this.#isBusy = false;
      this.#pump();
    });
  }

  /** Events and snapshots, for subscriptions without `onEvent`. Leaving the loop closes the subscription. */
  [Symbol.asyncIterator]() {
    if (this.#options.onEvent) throw new Error(`${this.channel} has an onEvent handler; it cannot be iterated too`);
    return {
      next: () => {
        if (this.#reader) return Promise.reject(new Error(`${this.channel} is being read already`));
        // Who asks for the next one is done with the one before.
        const handled = this.#unread;
        this.#unread = undefined;
        if (handled) this.#hooks.handled(handled);
        return new Promise((resolve, reject) => {
          this.#reader = { resolve, reject };
          this.#pump();
          const ending = this.#ending;
          if (!this.#reader || (!ending && !this.isClosed)) return;
          this.#ending = undefined;
          this.#interrupt(ending ?? null);
        });
      },
      return: () => {
        this.#unread = undefined;
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

/** A client of one hub: one connection, as many subscriptions as wanted. */
export class Broadtape {
  #machine;
  #options;
  #url;
  #environment;
  #subscriptions = new Map();
  /** Own channels whose cursor cannot be looked for before the user is known. */
  #parked = new Set();
  #socket = undefined;
  #timer = undefined;
  #timerAt = Infinity;
  #outputs = [];
  #isPerforming = false;
  #saving = new Map();
  /** The last one the application gave. */
  #token = undefined;
  #lastTime = 0;
  #timeLost = 0;
  #listening = [];
  /** Called at the next status. */
  #waiting = [];
  /** Methods of requests that were answered: the browser lets them through. */
  #answered = new Set();
  #isMade = false;
  /** What `onStatus` was told last. */
  status = { state: "idle", attempt: 0, paused: false, stale: [] };

  constructor(url, options = {}) {
    const { setTimeout, clearTimeout } = globalThis;
    this.#options = options;
    this.#url = hubURL(url ?? globalThis.location?.origin);
    this.#environment = {
      WebSocket: options.WebSocket ?? globalThis.WebSocket,
      fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
      random: options.random ?? Math.random,
      now: options.now ?? Date.now,
      setTimeout: options.setTimeout ?? ((...call) => setTimeout(...call)),
      clearTimeout: options.clearTimeout ?? ((timer) => clearTimeout(timer)),
      host: options.host ?? globalThis,
    };
    if (!this.#environment.WebSocket) {
      throw new Error("there is no WebSocket here; give one as the option WebSocket (Node 20: --experimental-websocket)");
    }
    const { token, numbers, backoff } = options;
    this.#machine = new Machine({ hasToken: token !== undefined, numbers, backoff });
    this.#listen();
    this.#do((at) => this.#machine.start(at));
    this.#isMade = true;
  }

  // For applications

  /** Follows a channel; see SubscribeOptions in broadtape.d.ts. */
  subscribe(channel, options = {}) {
    if (typeof channel !== "string" || channel === "") throw new TypeError("a channel is a text such as type:key");
    if (options.since !== undefined && !isNumber(options.since)) {
      throw new TypeError(`since is a whole number, 0 or more, not ${options.since}`);
    }
    const isTaken = [...this.#subscriptions].some(([name, other]) => name === channel || other.channel === channel);
    if (isTaken) throw new Error(`${channel} is subscribed to already; close that subscription first`);
    const subscription = new Subscription(channel, options, {
      close: () => this.#unsubscribe(channel),
      hold: () => this.#do((at) => this.#machine.hold(at, channel)),
      release: () => this.#do((at) => this.#machine.release(at, channel)),
      handled: (value) => this.#do((at) => this.#machine.handled(at, value)),
      failed: (kind, value, error) => this.#handlerFailed(kind, value, error),
      call: (handler, value) => this.#call(handler, value),
    });
    this.#subscriptions.set(channel, subscription);
    this.#wanted.set(channel, options);
    const { cursors, token } = this.#options;
    if (options.since !== undefined || !cursors) {
      this.#follow(channel, subscription, options);
    } else if (channel.includes(":")) {
      this.#followFromCursor(channel, channel, subscription, options);
    } else if (token !== undefined && this.status.user === undefined) {
      this.#parked.add(channel);
    } else {
      this.#followOwn(channel, subscription, options);
    }
    return subscription;
  }

  /**
   * Publishes events, all or none; resolves with their results once they are committed. Events without an `id` get one,
   * so that a request whose answer is lost can be sent again. They go over the socket while one is open.
   */
  async publish(events, { timeout = 30_000 } = {}) {
    const list = (Array.isArray(events) ? events : [events]).map((event) => ({ ...event, id: event.id ?? newID() }));
    const body = JSON.stringify(list, checked);
    const request = { method: "POST", headers: { "Content-Type": "application/json" }, body };
    const fits = new TextEncoder().encode(body).length <= PUBLISH_BYTES;
    const { results } = await this.#ask("/events", request, timeout, fits ? list : undefined);
    return results;
  }

  /** A page of what happened: `{events, next, epoch, head, first}`; go on with `after: next`. */
  async history(channel, { after, limit, timeout = 30_000 } = {}) {
    const query = new URLSearchParams();
    if (after !== undefined) query.set("after", after);
    if (limit !== undefined) query.set("limit", limit);
    const name = this.#fullName(channel);
    const page = await this.#ask(`/channels/${encodeURIComponent(name)}/events?${query}`, {}, timeout);
    const colon = name.indexOf(":");
    const place = { channel: name, type: name.slice(0, colon), key: name.slice(colon + 1), epoch: page.epoch };
    return { ...page, events: page.events.map((event) => ({ ...place, ...event })) };
  }

  /** Connects anew and at once, also after the hub has closed for good. */
  reconnect() {
    this.#listen();
    this.#do((at) => this.#machine.reconnect(at));
  }

  /** Ends the connection and all subscriptions. */
  close() {
    for (const [event, target, listener] of this.#listening) target.removeEventListener(event, listener);
    this.#listening = [];
    this.#do((at) => this.#machine.close(at));
    for (const subscription of [...this.#subscriptions.values()]) subscription.close();
  }

  // Subscriptions

  #wanted = new Map();

  #follow(channel, subscription, { since, epoch, snapshot, interval }) {
    if (subscription.isClosed) return;
    const wanted = { channel, since, ...(since !== undefined && { epoch }), snapshot, interval };
    this.#do((at) => this.#machine.subscribe(at, wanted));
  }

  async #followFromCursor(channel, name, subscription, options) {
    let cursor;
    try {
      cursor = await this.#options.cursors.load(name);
    } catch (error) {
      this.#complain(new BroadtapeError("cursor_not_loaded", String(error), { channel: name }));
    }
    this.#follow(channel, subscription, cursor ? { ...options, since: cursor.seq, epoch: cursor.epoch } : options);
  }

  /** A user's own channel: which one it is, and so its cursor, depends on the user. */
  #followOwn(channel, subscription, options) {
    const { user } = this.status;
    if (user === undefined) return this.#follow(channel, subscription, options);
    this.#followFromCursor(channel, `${channel}:${user}`, subscription, options);
  }

  #unsubscribe(channel) {
    this.#subscriptions.delete(channel);
    this.#wanted.delete(channel);
    this.#parked.delete(channel);
    this.#do((at) => this.#machine.unsubscribe(at, channel));
  }

  #subscription(channel) {
    const known = this.#subscriptions.get(channel);
    if (known) return known;
    for (const subscription of this.#subscriptions.values()) if (subscription.channel === channel) return subscription;
    return undefined;
  }

  #fullName(channel) {
    if (channel.includes(":")) return channel;
    const known = this.#subscriptions.get(channel)?.channel;
    if (known?.includes(":")) return known;
    if (this.status.user !== undefined) return `${channel}:${this.status.user}`;
    throw new BroadtapeError("not_authenticated", `whose ${channel} is not known yet; give the full name`);
  }

  #handlerFailed(kind, value, error) {
    if (kind === "event" || kind === "snapshot") this.#do((at) => this.#machine.failed(at, value));
    const message = `the handler of ${kind} ${value.seq ?? ""} threw: ${error}`;
    this.#complain(new BroadtapeError("handler_failed", message, { channel: value.channel, cause: error }));
  }

  /** One at a time for each channel: what is newer waits, what is in between is passed over. */
  async #save({ channel, epoch, seq }) {
    const { cursors } = this.#options;
    if (!cursors) return;
    const isSaving = this.#saving.has(channel);
    this.#saving.set(channel, { epoch, seq });
    if (isSaving) return;
    let saved;
    while (saved !== this.#saving.get(channel)) {
      saved = this.#saving.get(channel);
      try {
        const result = cursors.save(channel, saved);
        if (typeof result?.then === "function") await result;
      } catch (error) {
        this.#complain(new BroadtapeError("cursor_not_saved", String(error), { channel }));
      }
    }
    this.#saving.delete(channel);
  }

  // Doing what the machine decides

  #at() {
    const wall = this.#environment.now();
    // A clock that is set back must not stop the client for as long.
    this.#timeLost += Math.max(0, this.#lastTime - wall - this.#timeLost);
    const now = wall + this.#timeLost;
    this.#lastTime = now;
    return { now, wall, random: this.#environment.random() };
  }

  #do(input) {
    this.#outputs.push(...input(this.#at()));
    // Handlers call back: what that brings comes after what is under way.
    if (this.#isPerforming) return;
    this.#isPerforming = true;
    try {
      while (this.#outputs.length > 0) this.#perform(this.#outputs.shift());
    } finally {
      this.#isPerforming = false;
    }
    this.#arm();
  }

  #perform(output) {
    const [[kind, value]] = Object.entries(output);
    switch (kind) {
      case "connect":
        return this.#connect(value.token);
      case "askToken":
        return this.#askToken();
      case "send":
        return this.#socket?.send(JSON.stringify(value));
      case "close":
        return this.#drop();
      case "status":
        return this.#tellStatus(value);
      case "stale":
        for (const subscription of [...this.#subscriptions.values()]) subscription.take("stale", value);
        return undefined;
      case "subscribed":
        return this.#subscription(value.wanted)?.take(kind, value);
      case "published":
        return value.request.resolve(value);
      case "unpublished":
        return value.request.reject(value.error);
      case "error":
        return this.#complain(new BroadtapeError(value.code, value.message, value));
      case "refused": {
        const error = new BroadtapeError(value.code, value.message, value);
        const subscription = this.#subscription(value.channel);
        if (subscription) {
          this.#unsubscribe(value.channel);
          subscription.end(error);
        }
        return this.#complain(error);
      }
      case "save":
        return this.#save(value);
      default:
        return this.#subscription(value.channel)?.take(kind, value);
    }
  }

  #tellStatus({ retryIn, ...status }) {
    if (retryIn !== undefined) status.retryAt = this.#environment.now() + retryIn;
    this.status = status;
    for (const resume of this.#waiting.splice(0)) resume();
    const tell = () => this.#call(this.#options.onStatus, status);
    // A handler may speak of the client, which the application does not have before the constructor has returned.
    this.#isMade ? tell() : queueMicrotask(tell);
    if (status.user !== undefined) {
      for (const channel of this.#parked) {
        this.#parked.delete(channel);
        this.#followOwn(channel, this.#subscriptions.get(channel), this.#wanted.get(channel));
      }
    }
    if (status.state !== "closed" || status.cause === "client") return;
    const error = new BroadtapeError("closed", status.reason || `closed with ${status.code ?? status.cause}`, {
      status: status.code,
    });
    for (const subscription of [...this.#subscriptions.values()]) subscription.interrupt(error);
  }

  #call(handler, value) {
    try {
      handler?.(value);
    } catch (error) {
      this.#complain(new BroadtapeError("handler_failed", `a handler threw: ${error}`, { cause: error }));
    }
  }

  #complain(error) {
    try {
      this.#options.onError?.(error);
    } catch (fault) {
      // The application's own fault: let it see it where it sees all others.
      (globalThis.reportError ?? console.error)(fault);
    }
  }

  /** Asks the application. */
  async #newToken() {
    const { token } = this.#options;
    this.#token = (await (typeof token === "function" ? token() : token)) || undefined;
    return this.#token;
  }

  async #askToken() {
    try {
      const token = await this.#newToken();
      this.#do((at) => this.#machine.tokenArrived(at, token));
    } catch (error) {
      this.#do((at) => this.#machine.tokenFailed(at, String(error)));
    }
  }

  #connect(token) {
    let socket;
    try {
      socket = new this.#environment.WebSocket(`${this.#url.socket}/ws`, "broadtape.v1.json");
    } catch (error) {
      return this.#do((at) => this.#machine.ended(at, { failed: String(error) }));
    }
    this.#socket = socket;
    let isOpen = false;
    let refusal = { failed: "the connection could not be made" };
    socket.onopen = () => {
      isOpen = true;
      // A page cannot set header fields of the upgrade: the first message says who it is.
      if (token !== undefined) socket.send(JSON.stringify({ op: "auth", token }));
      this.#do((at) => this.#machine.opened(at));
    };
    socket.onmessage = ({ data }) => this.#do((at) => this.#machine.received(at, data));
    // Browsers do not say what the answer to the upgrade was; others do.
    socket.onerror = ({ status, retryAfter, message }) => {
      if (status) refusal = { status, retryAfter, reason: message };
      else if (message) refusal = { failed: message };
    };
    socket.onclose = ({ code, reason }) => {
      this.#socket = undefined;
      this.#do((at) => this.#machine.ended(at, isOpen ? { code, reason } : refusal));
    };
    return undefined;
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // A socket that is given up while it connects says so.
    socket.onerror = () => {};
    try {
      socket.close(1000);
    } catch {
      // It is gone already.
    }
  }

  /** A timer that comes too early is set again; setting it for every message would cost more. */
  #arm() {
    const { setTimeout, clearTimeout } = this.#environment;
    const wakeAt = this.#machine.wakeAt;
    // One that will never be needed would keep a process alive.
    if (wakeAt >= this.#timerAt && wakeAt !== Infinity) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = wakeAt;
    if (wakeAt === Infinity) return;
    const delay = clamp(Math.ceil(wakeAt - this.#at().now), 0, LONGEST_TIMER);
    this.#timer = setTimeout(() => {
      const due = this.#timerAt;
      this.#timer = undefined;
      this.#timerAt = Infinity;
      this.#do((at) => this.#machine.wake(at, Math.max(0, at.now - due)));
    }, delay);
  }

  #listen() {
    const { host } = this.#environment;
    if (this.#listening.length > 0 || typeof host?.addEventListener !== "function") return;
    const add = (target, event, listener) => {
      target.addEventListener(event, listener);
      this.#listening.push([event, target, listener]);
    };
    add(host, "online", () => this.#do((at) => this.#machine.online(at)));
    add(host, "offline", () => this.#do((at) => this.#machine.offline(at)));
    const page = host.document;
    if (page) {
      const isSeen = () => page.visibilityState !== "hidden";
      add(page, "visibilitychange", () => isSeen() && this.#do((at) => this.#machine.visible(at)));
      // Back from the cache of pages, whose connections are dead.
      add(host, "pageshow", ({ persisted }) => persisted && this.#do((at) => this.#machine.visible(at)));
    }
    if (host.navigator?.onLine === false) this.#do((at) => this.#machine.offline(at));
  }

  // Requests

  /**
   * Asks until there is an answer; what may pass is tried again, with the pauses that the hub asks for.
   * `events` may be published over the socket instead.
   */
  async #ask(path, request, timeout, events) {
    const { now, random } = this.#environment;
    const end = now() + timeout;
    let isTokenNew = false;
    for (let attempt = 0; ; attempt += 1) {
      let pause = Math.min(5_000, 250 * 2 ** attempt) * random();
      let failure;
      try {
        if (events && this.status.state === "live") return await this.#askSocket(events, end - now());
        const response = await this.#fetch(path, request, end, events);
        if (response.ok) return parse(await response.text(), this.#options.numbers);
        failure = await problem(response);
        if (response.status === 401 && !isTokenNew && typeof this.#options.token === "function") {
          isTokenNew = true;
          await this.#newToken();
          continue;
        }
        if (![408, 425, 429, 500, 502, 503, 504].includes(response.status)) throw failure;
        const seconds = Number(response.headers.get("Retry-After") ?? 0);
        if (seconds > 0) pause = Math.max(pause, seconds * 1000);
      } catch (error) {
        if (error === failure) throw error;
        if (error instanceof BroadtapeError) {
          // The socket is on its way, or has opened meanwhile.
          if (error.code === "cross_origin" && events && ["connecting", "live"].includes(this.status.state) && now() < end) {
            if (this.status.state !== "live") await this.#nextStatus(end - now());
            continue;
          }
          if (["not_authenticated", "bad_token", "token_expired"].includes(error.code)) {
            // A request can be made with a new token.
            events = undefined;
            continue;
          }
          if (!["unavailable", "overloaded", "rate_limited", "unreachable"].includes(error.code)) throw error;
          pause = Math.max(pause, error.retryAfter ?? 0);
          failure = error;
        } else {
          failure = new BroadtapeError("unreachable", String(error), { cause: error });
        }
      }
      if (now() + pause >= end) {
        const message = `no answer within ${timeout} ms (${failure.message}); what was sent may have arrived`;
        throw new BroadtapeError("timeout", message, { cause: failure });
      }
      await this.#wait(pause);
    }
  }

  #wait(milliseconds) {
    return new Promise((resolve) => this.#environment.setTimeout(resolve, milliseconds));
  }

  #nextStatus(limit) {
    return Promise.race([new Promise((resolve) => this.#waiting.push(resolve)), this.#wait(limit)]);
  }

  async #askSocket(events, limit) {
    const { setTimeout, clearTimeout } = this.#environment;
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(reject, Math.max(1, limit));
        this.#do((at) => this.#machine.publish(at, { events, resolve, reject }));
      });
    } catch (error) {
      const { code = "unreachable", message = "the connection was lost before the answer", items, retryAfter } = error ?? {};
      throw new BroadtapeError(code, message, { items, retryAfter });
    } finally {
      clearTimeout(timer);
    }
  }

  async #fetch(path, request, end, events) {
    const { fetch, now } = this.#environment;
    const headers = { ...request.headers, ...(await this.#authorization()) };
    try {
      const signal = AbortSignal.timeout(Math.max(1, end - now()));
      const response = await fetch(this.#url.http + path, { ...request, headers, signal });
      this.#answered.add(request.method);
      return response;
    } catch (error) {
      if (this.#answered.has(request.method) || !(await this.#answersOthers(end))) throw error;
      throw this.#refusal(request.method, events);
    }
  }

  /**
   * Whether the hub answers where no permission is needed. A browser says no more of a request that it does not let
   * through than of a hub that is away.
   */
  async #answersOthers(end) {
    const { fetch, now, host } = this.#environment;
    const { origin = "" } = host?.location ?? {};
    if (origin === "" || origin === new URL(this.#url.http).origin) return false;
    const signal = AbortSignal.timeout(clamp(end - now(), 1, CONNECT_LIMIT));
    return fetch(`${this.#url.http}/health/live`, { mode: "no-cors", signal }).then(
      () => true,
      () => false,
    );
  }

  #refusal(method, events) {
    const { state, reason } = this.status;
    const way = `pages of other origins publish over the WebSocket, ${
      events ? `which is not open (${reason || state})` : `which takes at most ${PUBLISH_BYTES} bytes of events`
    }`;
    const message = `the browser does not let this page ${method === "POST" ? "publish by HTTP" : "read"}; `;
    return new BroadtapeError("cross_origin", message + (method === "POST" ? way : "see allowed-origins of the hub"));
  }

  async #authorization() {
    const token = this.#token ?? (await this.#newToken());
    return token === undefined ? {} : { Authorization: `Bearer ${token}` };
  }
}

async function problem(response) {
  const body = await response.json().catch(() => ({}));
  const message = body.detail ?? body.title ?? `HTTP ${response.status}`;
  return new BroadtapeError(body.code ?? "http", message, { status: response.status, items: body.items });
}

/** 128 random bits; `crypto.randomUUID` is not everywhere. */
function newID() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `{socket, http}`: what the hub's paths are appended to. */
function hubURL(text) {
  const match = /^(ws|http)(s?):\/\/([^?#]+)$/i.exec(text ?? "");
  if (!match) throw new TypeError(`"${text}" is not the address of a hub; write it like https://feed.example.com`);
  const rest = match[3].replace(/\/+$/, "").replace(/\/ws$/, "").replace(/\/+$/, "");
  const secure = match[2].toLowerCase();
  return { socket: `ws${secure}://${rest}`, http: `http${secure}://${rest}` };
}

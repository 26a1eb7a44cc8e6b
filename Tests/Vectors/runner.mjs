// SPDX-License-Identifier: Apache-2.0
//
// Runs the vectors (README.md) against the machine inside broadtape.js; without input and output, for Node and browsers.

/** A client with the clock, the tokens and the memory that the vectors speak of. */
class Bench {
  constructor(Machine, { token = false, wall = "2026-11-20T15:00:00Z" } = {}) {
    this.machine = new Machine({ hasToken: token });
    this.now = 1_000_000;
    this.wallOffset = Date.parse(wall) - this.now;
    this.random = 0.5;
    this.delivered = new Map();
    this.variables = new Map();
  }

  get at() {
    return { now: this.now, wall: this.now + this.wallOffset, random: this.random };
  }

  /** Does one step; returns what the client did. */
  step(step) {
    if ("random" in step) this.random = step.random;
    const { machine, at } = this;
    const [kind] = Object.keys(step).filter((name) => name in INPUTS);
    if (!kind) throw new Error(`no input in ${JSON.stringify(step)}`);
    const outputs = INPUTS[kind](this, machine, at, this.substituted(step[kind]));
    for (const output of outputs) {
      const event = output.event ?? output.snapshot ?? output.subscribed;
      if (event) this.delivered.set(`${event.channel} ${event.seq}`, event);
    }
    return outputs;
  }

  advance(milliseconds) {
    const end = this.now + milliseconds;
    const outputs = [];
    while (this.machine.wakeAt <= end) {
      this.now = Math.max(this.now, this.machine.wakeAt);
      outputs.push(...this.machine.wake(this.at, 0));
    }
    this.now = end;
    return outputs;
  }

  freeze(milliseconds) {
    const due = this.machine.wakeAt;
    this.now += milliseconds;
    return due <= this.now ? this.machine.wake(this.at, this.now - due) : [];
  }

  event({ channel, seq }) {
    const event = this.delivered.get(`${channel} ${seq}`);
    if (!event) throw new Error(`${channel} ${seq} was not delivered`);
    return event;
  }

  substituted(value) {
    if (typeof value === "string" && value.startsWith("$")) return this.variables.get(value) ?? value;
    if (Array.isArray(value)) return value.map((element) => this.substituted(element));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.substituted(member)]));
  }

  /** Whether `actual` has everything of `expected`; `$name` stands for any value the first time, for the same later. */
  matches(expected, actual) {
    if (typeof expected === "string" && expected.startsWith("$")) {
      if (this.variables.has(expected)) return this.variables.get(expected) === actual;
      this.variables.set(expected, actual);
      return actual !== undefined;
    }
    if (Array.isArray(expected)) {
      const isLike = Array.isArray(actual) && actual.length === expected.length;
      return isLike && expected.every((element, index) => this.matches(element, actual[index]));
    }
    if (typeof expected !== "object" || expected === null) return expected === (actual ?? null);
    if (typeof actual !== "object" || actual === null) return false;
    return Object.entries(expected).every(([name, member]) => this.matches(member, actual[name]));
  }
}

const INPUTS = {
  start: (_, machine, at) => machine.start(at),
  close: (_, machine, at) => machine.close(at),
  reconnect: (_, machine, at) => machine.reconnect(at),
  subscribe: (_, machine, at, wanted) => machine.subscribe(at, wanted),
  unsubscribe: (_, machine, at, channel) => machine.unsubscribe(at, channel),
  token: (_, machine, at, token) => machine.tokenArrived(at, token),
  tokenFailed: (_, machine, at, reason) => machine.tokenFailed(at, reason),
  socket(_, machine, at, event) {
    if (event === "open") return machine.opened(at);
    if (event.closed) return machine.ended(at, event.closed);
    if (event.refused) return machine.ended(at, event.refused);
    return machine.ended(at, { failed: event.failed });
  },
  receive: (_, machine, at, message) => machine.received(at, JSON.stringify(message)),
  receiveText: (_, machine, at, text) => machine.received(at, text),
  advance: (bench, _, __, milliseconds) => bench.advance(milliseconds),
  freeze: (bench, _, __, milliseconds) => bench.freeze(milliseconds),
  host: (_, machine, at, event) => machine[event](at),
  handled: (bench, machine, at, place) => machine.handled(at, bench.event(place)),
  failed: (bench, machine, at, place) => machine.failed(at, bench.event(place)),
};

/** Frames are compared whole, but for an `id` that the vector does not name; everything else as far as it is given. */
function isWhole(expected, actual) {
  if (!expected.send) return true;
  const names = (frame) => Object.keys(frame).filter((name) => name !== "id").sort().join();
  const lists = (frame) => (frame.channels ?? []).map((channel) => Object.keys(channel).sort().join()).join(";");
  return names(expected.send) === names(actual.send) && lists(expected.send) === lists(actual.send);
}

/** Runs one vector; returns a sentence about the first difference, or nothing. */
export function run(Machine, vector, preludes = {}) {
  const bench = new Bench(Machine, vector.client);
  const steps = [...(vector.after ? preludes[vector.after] : []), ...vector.steps];
  for (const [index, step] of steps.entries()) {
    const actual = bench.step(step);
    const expected = step.expect ?? [];
    const isSame =
      actual.length === expected.length &&
      expected.every((output, place) => isWhole(output, actual[place]) && bench.matches(output, actual[place]));
    if (!isSame) {
      const text = (outputs) => outputs.map((output) => JSON.stringify(output)).join("\n    ") || "nothing";
      const { expect, ...input } = step;
      return `step ${index + 1} of ${steps.length}, ${JSON.stringify(input)}\n  expected:\n    ${text(expected)}\n  got:\n    ${text(actual)}`;
    }
  }
  return undefined;
}

/** Runs files of vectors; returns `{count, faults}`. */
export function runAll(Machine, files) {
  const faults = [];
  let count = 0;
  const preludes = Object.assign({}, ...Object.values(files).map((file) => file.preludes));
  for (const [name, { vectors = [] }] of Object.entries(files)) {
    for (const vector of vectors) {
      count += 1;
      let fault;
      try {
        fault = run(Machine, vector, preludes);
      } catch (error) {
        fault = String(error.stack);
      }
      if (fault) faults.push(`${name}: ${vector.name}: ${fault}`);
    }
  }
  return { count, faults };
}

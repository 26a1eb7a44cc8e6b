# SPDX-License-Identifier: Apache-2.0
"""`chromium.py URL TOKEN`: runs the vectors, and the client itself, in a page of a running hub.

The page is of the hub's own origin and takes the client from it; the vectors come from the files beside this one. The
token may publish everything.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Tests" / "System" / "Browser"))

from browser import chromium, open_page  # noqa: E402

VECTORS = ROOT / "Tests" / "Vectors"

RUN_VECTORS = """async (files) => {
  const { Machine } = await import("/broadtape.js");
  const { runAll } = await import("/vectors/runner.mjs");
  return runAll(Machine, files);
}"""

# Publishes and follows; a second client, as after a reload, goes on from the stored cursors.
FOLLOW = """async (token) => {
  const { Broadtape, storedCursors } = await import("/broadtape.js");
  const faults = [];
  const until = async (what, condition) => {
    for (let waited = 0; !condition(); waited += 10) {
      if (waited > 15000) throw new Error(`waited for ${what} in vain; ${JSON.stringify({ faults, states, seqs })}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const states = [];
  const seqs = [];
  const options = {
    token: async () => token,
    cursors: storedCursors("test"),
    backoff: { base: 50, cap: 200 },
    onStatus: ({ state }) => states.at(-1) !== state && states.push(state),
    onError: (error) => faults.push(`${error.code}: ${error.message}`),
  };
  const publish = (tape, number) =>
    tape.publish({ type: "transactionUpdate", key: "svc", id: `t-${number}`,
      data: { type: "p2p", amount: "0.10000000000000000001", status: "completed" } });
  const follow = (tape) => tape.subscribe("transactionUpdate", {
    async onEvent(event) {
      await undefined;
      if (event.data.amount !== "0.10000000000000000001") faults.push(`amount ${event.data.amount}`);
      seqs.push(event.seq);
    },
    onGap: (gap) => faults.push(JSON.stringify(gap)),
  });

  let tape = new Broadtape(undefined, options);
  const subscription = follow(tape);
  await until("the subscription", () => subscription.epoch);
  for (const number of [1, 2, 3]) await publish(tape, number);
  await until("three events", () => seqs.length === 3);
  const page = await tape.history("transactionUpdate", { after: 1, limit: 1 });
  if (page.events[0].seq !== 2 || page.head !== 3 || page.events[0].key !== "svc") faults.push(JSON.stringify(page));
  tape.close();
  tape = new Broadtape(undefined, options);
  for (const number of [4, 5]) await publish(tape, number);
  const again = follow(tape);
  await until("the missed events", () => seqs.length === 5);
  tape.reconnect();
  await publish(tape, 6);
  await until("the last event", () => seqs.length === 6);
  const read = [];
  const rate = tape.subscribe("rateChange:A/B");
  setTimeout(() => tape.publish({ type: "rateChange", key: "A/B", data: { rate: "1.10" } }), 0);
  for await (const event of rate) {
    read.push(event.data.rate);
    break;
  }
  const numbers = [];
  const published = `{"type":"rateChange","key":"N","data":{"rate":"1","n":[12345678901234567891,1.10,1e400]}}`;
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  await fetch("/events", { method: "POST", headers, body: published });
  for (const numbersOption of [undefined, "text"]) {
    const reader = new Broadtape(undefined, { ...options, numbers: numbersOption, onStatus: undefined });
    for await (const { data } of reader.subscribe("rateChange:N", { since: 0 })) {
      numbers.push(data.n);
      break;
    }
    numbers.push((await reader.history("rateChange:N")).events[0].data.n);
    reader.close();
  }
  await until("the cursor", () => JSON.parse(localStorage.getItem("test:transactionUpdate:svc")).seq === 6);
  tape.close();
  return { faults, states, seqs, read, numbers, isClosed: again.isClosed && rate.isClosed };
}"""


# In a page of another origin: the socket is the only way to publish, and without one it is said at once.
ELSEWHERE = """async ([url, token]) => {
  const { Broadtape } = await import(`${url}/broadtape.js`);
  const event = { type: "rateChange", key: "A/B", data: { rate: "1.20" } };
  const tape = new Broadtape(url, { token });
  const [{ status }] = await tape.publish(event);
  const code = (error) => error.code;
  const large = await tape.publish({ ...event, data: { rate: "1", text: "x".repeat(61440) } }).catch(code);
  tape.close();
  const began = performance.now();
  const closed = await tape.publish(event).catch(code);
  return { status, large, closed, isPrompt: performance.now() - began < 5000 };
}"""


def main(url, token):
    files = {path.stem: json.loads(path.read_text()) for path in sorted(VECTORS.glob("*.json"))}
    with chromium() as browser, open_page(browser) as page:
        script = {"content_type": "text/javascript", "body": (VECTORS / "runner.mjs").read_text()}
        page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        page.route("**/vectors/runner.mjs", lambda route: route.fulfill(**script))
        # A page that the hub itself has sent: one that is made up here may not connect to this machine.
        page.goto(f"{url}/health/live")
        result = page.evaluate(RUN_VECTORS, files)
        for fault in result["faults"]:
            print(fault, file=sys.stderr)

        followed = page.evaluate(FOLLOW, token)
        expected = {
            "faults": [],
            "seqs": [1, 2, 3, 4, 5, 6],
            "read": ["1.10"],
            "numbers": [["12345678901234567891", 1.1, "1e400"]] * 2 + [["12345678901234567891", "1.10", "1e400"]] * 2,
            "isClosed": True,
            "states": ["connecting", "live", "closed", "connecting", "live", "connecting", "live", "closed"],
        }
        if followed != expected:
            print(f"expected {expected}\ngot      {followed}", file=sys.stderr)
            return 1
        # No route here: Playwright would answer preflights itself.
        with open_page(browser, ignored=["CORS", "ERR_FAILED", "status of 404"]) as other:
            other.goto(f"{url.replace('127.0.0.1', 'localhost')}/health/live")
            told = other.evaluate(ELSEWHERE, [url, token])
        wanted = {"status": "accepted", "large": "cross_origin", "closed": "cross_origin", "isPrompt": True}
        if told != wanted:
            print(f"expected {wanted}\ngot      {told}", file=sys.stderr)
            return 1
        print(f"{result['count']} vectors, {len(result['faults'])} failed")
        return 1 if result["faults"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

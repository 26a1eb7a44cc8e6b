// SPDX-License-Identifier: Apache-2.0
//
// `node follow.mjs URL TOKEN CHANNEL…`: follows channels from their beginning until it is killed. Prints
// `event CHANNEL SEQ SKIPPED ID`, `subscribed CHANNEL` and `live`; whatever must not happen goes to standard error.

import { Broadtape } from "../../../Sources/BrowserClient/broadtape.js";
import { NodeWebSocket } from "./websocket.mjs";

const [url, token, ...channels] = process.argv.slice(2);
let session;
const tape = new Broadtape(url, {
  WebSocket: NodeWebSocket,
  token: async () => token,
  backoff: { base: 20, cap: 200 },
  onStatus(status) {
    if (status.state === "closed") console.error("closed", status);
    if (status.state !== "live" || status.session === session) return;
    session = status.session;
    console.log("live");
  },
  onError: (error) => console.error(error.code, error.message),
});
for (const channel of channels) {
  let isTold = false;
  tape.subscribe(channel, {
    since: 0,
    onEvent: ({ channel: name, seq, skipped = 0, id }) => console.log("event", name, seq, skipped, id),
    onSnapshot: (event) => console.error("snapshot", event.channel, event.seq),
    onGap: (gap) => console.error("gap", gap),
    onCaughtUp() {
      if (!isTold) console.log("subscribed", channel);
      isTold = true;
    },
  });
}

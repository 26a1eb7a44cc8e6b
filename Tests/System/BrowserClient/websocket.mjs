// SPDX-License-Identifier: Apache-2.0
//
// A WebSocket for Nodes that have none built in (before 22), for tests: as much of RFC 6455 as broadtape.js needs of a
// hub that can be trusted. `node --import …/websocket.mjs` puts it where pages find theirs. Unlike those of browsers its
// `onerror` tells the status and Retry-After of an upgrade that was refused.

import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import https from "node:https";

export class NodeWebSocket {
  onopen = null;
  onmessage = null;
  onerror = null;
  onclose = null;
  #socket;
  #request;
  #buffer = Buffer.alloc(0);
  #parts = [];
  #isClosed = false;

  constructor(url, protocol) {
    const key = randomBytes(16).toString("base64");
    const { get } = url.startsWith("wss:") ? https : http;
    this.#request = get(url.replace(/^ws/, "http"), {
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": protocol,
      },
    });
    this.#request.on("error", (error) => this.#fail({ message: error.message }));
    this.#request.on("response", (response) => {
      response.resume();
      const retryAfter = Number(response.headers["retry-after"]);
      this.#fail({ status: response.statusCode, retryAfter, message: response.statusMessage });
    });
    this.#request.on("upgrade", (response, socket, head) => {
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      this.#socket = socket;
      socket.on("error", () => {});
      socket.on("close", () => this.#end(1006, ""));
      if (this.#isClosed || response.headers["sec-websocket-accept"] !== accept) {
        socket.destroy();
        return this.#fail({ message: "not a WebSocket" });
      }
      socket.setNoDelay(true);
      this.onopen?.({});
      socket.on("data", (data) => this.#received(data));
      this.#received(head);
    });
  }

  send(text) {
    this.#write(0x1, Buffer.from(text));
  }

  close(code = 1000) {
    if (!this.#socket) {
      this.#isClosed = true;
      this.#request.destroy();
      return;
    }
    const body = Buffer.alloc(2);
    body.writeUInt16BE(code);
    this.#write(0x8, body);
    this.#socket.end();
  }

  #write(opcode, body) {
    if (!this.#socket || this.#socket.destroyed) return;
    const size = body.length > 0xffff ? 8 : body.length > 125 ? 2 : 0;
    const head = Buffer.alloc(2 + size);
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | (size === 8 ? 127 : size === 2 ? 126 : body.length);
    if (size === 8) head.writeBigUInt64BE(BigInt(body.length), 2);
    else if (size === 2) head.writeUInt16BE(body.length, 2);
    const mask = randomBytes(4);
    this.#socket.write(Buffer.concat([head, mask, body.map((byte, index) => byte ^ mask[index & 3])]));
  }

  #received(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    while (!this.#isClosed) {
      const buffer = this.#buffer;
      if (buffer.length < 2) return;
      const short = buffer[1] & 0x7f;
      const start = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (buffer.length < start) return;
      const length = short === 126 ? buffer.readUInt16BE(2) : short === 127 ? Number(buffer.readBigUInt64BE(2)) : short;
      if (buffer.length < start + length) return;
      this.#buffer = buffer.subarray(start + length);
      this.#frame(buffer[0] & 0x0f, (buffer[0] & 0x80) !== 0, buffer.subarray(start, start + length));
    }
  }

  #frame(opcode, isLast, body) {
    if (opcode === 0x9) return this.#write(0xa, body);
    if (opcode === 0xa) return undefined;
    if (opcode === 0x8) {
      this.#write(0x8, body);
      this.#socket.end();
      return this.#end(body.length > 1 ? body.readUInt16BE(0) : 1005, body.subarray(2).toString());
    }
    this.#parts.push(body);
    if (!isLast) return undefined;
    const text = Buffer.concat(this.#parts).toString();
    this.#parts = [];
    return this.onmessage?.({ data: text });
  }

  #fail(event) {
    if (this.#isClosed) return;
    this.onerror?.(event);
    this.#end(1006, "");
  }

  #end(code, reason) {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onclose?.({ code, reason });
  }
}

globalThis.WebSocket ??= NodeWebSocket;

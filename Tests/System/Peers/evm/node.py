# SPDX-License-Identifier: Apache-2.0
"""A JSON-RPC node over py-evm, for tests: HTTP and WebSocket on one port, with faults to order.

Started with a seed; prints its port on a line of its own. Ends when its standard input does.
"""

import base64
import hashlib
import http.server
import json
import random
import socket
import struct
import sys
import threading
import time

from chain import Chain

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
DIALECTS = [
    {"code": -32005, "message": "query returned more than 10000 results"},
    {"code": -32005, "message": "query returned more than 10000 results. Try with this block range [%a, %b]."},
    {"code": -32614, "message": "eth_getLogs is limited to a %n range"},
    {"code": -32602, "message": "Log response size exceeded. this block range should work: [%a, %b]"},
    {"code": -32000, "message": "exceed maximum block range: %n"},
    {"code": -32602, "message": "block range is too wide, try [%b, %a]"},
    413,
]


class Refused(Exception):
    def __init__(self, error):
        super().__init__(error)
        self.error = error


class Status(Exception):
    def __init__(self, status, headers=(), body=b"<html>no</html>"):
        super().__init__(status)
        self.status, self.headers, self.body = status, headers, body


class Node:
    def __init__(self, seed):
        self.lock = threading.Lock()
        self.chain = Chain(seed)
        self.random = random.Random(seed + 1)
        self.faults = {}
        self.sockets = []
        self.muted = False
        self.requests = 0

    # Faults are chances of 1, by name: lagging, missing, short, refusing, 429, 500, hang, garbage, html, wrongid,
    # shuffled, incomplete, closed, truncated. `largest` is the widest range that is answered.

    def happens(self, name):
        return self.random.random() < self.faults.get(name, 0)

    def view(self):
        if self.happens("lagging"):
            lag = self.random.randint(1, min(12, len(self.chain.history)))
            return self.chain.history[-lag]
        return self.chain.history[-1]

    def block(self, view, name, missing_after=None):
        branch, final = view
        if name == "latest":
            number = len(branch) - 1
        elif name == "finalized":
            number = min(final, len(branch) - 1)
        else:
            number = int(name, 16)
        if number >= len(branch) or (missing_after is not None and number > missing_after):
            return None
        return self.chain.blocks[branch[number]]["json"]

    def logs(self, view, query, short):
        addresses = query.get("address")
        topics = query.get("topics") or []
        if "blockHash" in query:
            block = self.chain.blocks.get(bytes.fromhex(query["blockHash"][2:]))
            if block is None:
                raise Refused({"code": -32000, "message": "unknown block"})
            if self.happens("missing"):
                return []
            found = block["logs"]
        else:
            branch, _ = view
            first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
            if first > last:
                raise Refused({"code": -32602, "message": "invalid block range params"})
            largest = self.faults.get("largest", 1 << 30)
            if last - first + 1 > largest or (last > first and self.happens("refusing")):
                self.refuse(first, last, min(largest, max(1, (last - first) // 2)))
            if last >= len(branch) and self.faults.get("strict"):
                raise Refused({"code": -32602, "message": "block range extends beyond current head block"})
            end = min(last, len(branch) - 1) if short is None else min(last, short)
            found = [log for name in branch[first : end + 1] for log in self.chain.blocks[name]["logs"]]
        if addresses is not None:
            wanted = {address.lower() for address in ([addresses] if isinstance(addresses, str) else addresses)}
            found = [log for log in found if log["address"] in wanted]
        if topics and topics[0]:
            wanted = {topics[0]} if isinstance(topics[0], str) else set(topics[0])
            found = [log for log in found if log["topics"] and log["topics"][0] in wanted]
        return found

    def refuse(self, first, last, works):
        dialect = self.random.choice(DIALECTS)
        if dialect == 413:
            raise Status(413)
        message = dialect["message"].replace("%n", str(works))
        message = message.replace("%a", hex(first)).replace("%b", hex(first + works - 1))
        raise Refused({"code": dialect["code"], "message": message})

    def call(self, view, method, parameters, short):
        if method == "eth_chainId":
            return hex(1337)
        if method == "eth_blockNumber":
            return hex(len(view[0]) - 1)
        if method == "eth_getBlockByNumber":
            return self.block(view, parameters[0], short)
        if method == "eth_getBlockByHash":
            block = self.chain.blocks.get(bytes.fromhex(parameters[0][2:]))
            return block and block["json"]
        if method == "eth_getLogs":
            return self.logs(view, parameters[0], short)
        if method.startswith("test_"):
            return self.control(method[5:], *parameters)
        raise Refused({"code": -32601, "message": "the method %s does not exist" % method})

    def control(self, name, *parameters):
        chain = self.chain
        if name == "info":
            return {"contract": "0x" + chain.contract.hex(), "head": len(chain.branch) - 1, "final": chain.final}
        if name == "emit":
            chain.emit(*parameters)
        elif name == "reorganise":
            chain.reorganise(*parameters)
        elif name == "finalize":
            chain.finalize(*parameters)
        elif name == "breakFinality":
            # What finality says does not happen.
            chain.final = 0
            chain.reorganise(*parameters)
        elif name == "faults":
            self.faults = parameters[0]
            return None
        elif name == "truth":
            return chain.truth()
        elif name == "mute":
            self.muted = parameters[0]
            return None
        elif name == "drop":
            for stream in self.sockets:
                stream.close()
            self.sockets = []
            return None
        elif name == "requests":
            return self.requests
        else:
            raise Refused({"code": -32601, "message": "no control %s" % name})
        self.tell()
        return None

    def tell(self):
        head = self.chain.blocks[self.chain.branch[-1]]["json"]
        message = {
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": {"subscription": "0x1", "result": {key: head[key] for key in ("number", "hash", "parentHash")}},
        }
        for stream in [] if self.muted else list(self.sockets):
            try:
                stream.text(json.dumps(message))
            except OSError:
                self.sockets.remove(stream)

    def answer(self, body):
        """The answer to a request: bytes, or an exception that says how it fails."""
        with self.lock:
            request = json.loads(body)
            calls = request if isinstance(request, list) else [request]
            if any(call["method"].startswith("test_") for call in calls):
                answers = [self.one(call, self.chain.history[-1], None) for call in calls]
                return json.dumps(answers if isinstance(request, list) else answers[0]).encode()
            self.requests += 1
            self.fail()
            view = self.view()
            short = self.random.randint(0, len(view[0]) - 1) if self.happens("short") else None
            answers = [self.one(call, view, short) for call in calls]
            if self.happens("shuffled"):
                self.random.shuffle(answers)
            if self.happens("incomplete"):
                answers.pop()
            if self.happens("wrongid"):
                answers[0]["id"] = 4711
            data = json.dumps(answers if isinstance(request, list) else answers[0]).encode()
            if self.happens("garbage"):
                return data[: len(data) // 2]
            return data

    def one(self, call, view, short):
        answer = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            answer["result"] = self.call(view, call["method"], call["params"], short)
        except Refused as refusal:
            answer["error"] = refusal.error
        return answer

    def fail(self):
        if self.happens("429"):
            raise Status(429, [("Retry-After", "0")])
        if self.happens("500"):
            raise Status(self.random.choice([500, 502, 503]))
        if self.happens("html"):
            raise Status(200)
        if self.happens("rate"):
            raise Status(200, body=b'{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"rate limit exceeded"}}')
        if self.happens("hang"):
            raise TimeoutError
        if self.happens("closed"):
            raise ConnectionError


class Stream:
    """The server's side of a WebSocket, as far as a subscription needs it."""

    def __init__(self, connection, reader):
        self.connection, self.reader = connection, reader
        self.lock = threading.Lock()

    def frame(self, opcode, data):
        length = len(data)
        head = bytes([0x80 | opcode])
        head += bytes([length]) if length < 126 else bytes([126]) + struct.pack(">H", length)
        with self.lock:
            self.connection.sendall(head + data)

    def text(self, text):
        self.frame(1, text.encode())

    def read(self):
        first, second = self.reader.read(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack(">H", self.reader.read(2))
        mask = self.reader.read(4)
        data = bytes(byte ^ mask[index % 4] for index, byte in enumerate(self.reader.read(length)))
        return first & 15, data

    def close(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    node = None

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers = 200, []
        try:
            data = self.node.answer(body)
        except Status as fault:
            status, headers, data = fault.status, fault.headers, fault.body
        except TimeoutError:
            # Longer than the limit that the tests set.
            time.sleep(2)
            self.close_connection = True
            return
        except ConnectionError:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        key = self.headers.get("Sec-WebSocket-Key")
        if key is None:
            return self.send_error(400)
        accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.wfile.flush()
        stream = Stream(self.connection, self.rfile)
        self.close_connection = True
        try:
            while True:
                opcode, data = stream.read()
                if opcode == 8:
                    return stream.frame(8, data)
                if opcode == 9:
                    stream.frame(10, data)
                if opcode == 1:
                    request = json.loads(data)
                    stream.text(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": "0x1"}))
                    if request["method"] == "eth_subscribe":
                        with self.node.lock:
                            self.node.sockets.append(stream)
        except (OSError, ValueError):
            pass
        finally:
            with self.node.lock:
                if stream in self.node.sockets:
                    self.node.sockets.remove(stream)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def main():
    Handler.node = Node(int(sys.argv[1]))
    server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()

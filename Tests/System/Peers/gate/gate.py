# SPDX-License-Identifier: Apache-2.0
"""An endpoint of a provider, for tests: passes requests on to a node or a mirror, and refuses, lags, or stands still.

    gate.py PORT        the port of the node (JSON-RPC) or mirror (REST) behind it; prints its own

POST /gate takes the mode as a JSON object and answers with how many requests there have been: {"mode": NAME, ...}, see
`Gate.control`. Ends when its standard input does. Python's standard library only.
"""

import base64
import hashlib
import http.client
import http.server
import json
import sys
import threading
import time

# Providers have a key in their paths; nobody is to show it.
KEY = "/v3/0123456789abcdef"
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NANOS = 1_000_000_000


class Broken(Exception):
    """The answer is none: a function that misbehaves on the connection."""

    def __init__(self, misbehave):
        super().__init__("broken")
        self.misbehave = misbehave


def nanos_of(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * NANOS + int(fraction.ljust(9, "0"))


class Gate:
    def __init__(self, port):
        self.port = port
        self.mode = {"mode": "pass"}
        self.requests = 0
        self.lock = threading.Lock()

    def control(self, order):
        """pass; status (status, body, headers); error (code, message, methods: inside a good answer, of all methods or
        these); batch (code, message); html; garbage; hang; drip; endless; close; redirect; freeze; lag (by: blocks or
        seconds); prune (before: block or consensus time); chain (id); missing (part: of the path)."""
        order = dict(order)
        if order.get("mode") == "freeze":
            order["head"] = self.head()
        if order.get("mode") != "count":
            self.mode = order
        return {"requests": self.requests}

    # Behind it.

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def rpc(self, calls):
        single = json.dumps([{"jsonrpc": "2.0", "id": i, "method": m, "params": p} for i, (m, p) in enumerate(calls)])
        answers = json.loads(self.ask("POST", "/", single)[1])
        return [answer.get("result") for answer in sorted(answers, key=lambda answer: answer["id"])]

    def head(self):
        """The block number, or the newest block of a mirror."""
        status, body = self.ask("GET", "/api/v1/blocks?limit=1&order=desc")
        if status == 200:
            return json.loads(body)["blocks"][0]
        return int(self.rpc([("eth_blockNumber", [])])[0], 16)

    # What it answers.

    def answer(self, method, path, body):
        self.requests += 1
        path = path.removeprefix(KEY)
        mode = self.mode
        name = mode["mode"]
        if name == "status":
            return mode["status"], mode.get("body", "").encode(), list(mode.get("headers", {}).items())
        if name == "html":
            return 200, b"<!doctype html><title>Just a moment...</title>", [("Content-Type", "text/html")]
        if name == "garbage":
            return 200, b'{"jsonrpc":"2.0","id":1,"resu', []
        if name == "redirect":
            return 302, b"", [("Location", f"http://127.0.0.1:{self.port}{path}")]
        if name in ("hang", "drip", "endless", "close"):
            raise Broken(getattr(self, name))
        if method == "POST":
            return self.node(json.loads(body), mode)
        return self.mirror(path, mode)

    def hang(self, handler):
        time.sleep(30)

    def close(self, handler):
        pass

    def drip(self, handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    def endless(self, handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while True:
            handler.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    # JSON-RPC

    def node(self, request, mode):
        calls = request if isinstance(request, list) else [request]
        name = mode["mode"]
        if name == "batch":
            error = {"code": mode["code"], "message": mode["message"]}
            return 200, json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode(), []
        end = None
        if name == "freeze":
            end = mode["head"]
        elif name == "lag":
            end = max(0, self.head() - mode["by"])
        answers = [self.call(call, mode, end) for call in calls]
        return 200, json.dumps(answers if isinstance(request, list) else answers[0]).encode(), []

    def call(self, call, mode, end):
        name, method, parameters = mode["mode"], call["method"], call["params"]
        answer = {"jsonrpc": "2.0", "id": call["id"]}
        if name == "error" and method in mode.get("methods", [method]):
            answer["error"] = {"code": mode["code"], "message": mode["message"]}
            return answer
        if name == "prune":
            first = None
            if method == "eth_getBlockByNumber" and parameters[0].startswith("0x"):
                first = int(parameters[0], 16)
            elif method == "eth_getLogs" and "fromBlock" in parameters[0]:
                first = int(parameters[0]["fromBlock"], 16)
            # The first block of all is never pruned.
            if first and first < mode["before"]:
                if mode.get("as") == "null" and method != "eth_getLogs":
                    answer["result"] = None
                else:
                    answer["error"] = {"code": 4444, "message": "pruned history unavailable"}
                return answer
        if end is not None and method == "eth_getBlockByNumber":
            if parameters[0] == "latest":
                parameters = [hex(end)] + parameters[1:]
            elif parameters[0].startswith("0x") and int(parameters[0], 16) > end:
                answer["result"] = None
                return answer
        result = self.rpc([(method, parameters)])[0]
        if name == "chain" and method == "eth_chainId":
            result = hex(mode["id"])
        if end is not None and method == "eth_getBlockByNumber" and parameters[0] == "finalized":
            if result and int(result["number"], 16) > end:
                result = self.rpc([(method, [hex(end)] + parameters[1:])])[0]
        answer["result"] = result
        return answer

    # REST

    def mirror(self, path, mode):
        name = mode["mode"]
        missing = json.dumps({"_status": {"messages": [{"message": "Not found"}]}}).encode()
        if name == "missing" and mode["part"] in path:
            return 404, missing, []
        status, body = self.ask("GET", path)
        if name == "prune" and path.startswith("/api/v1/blocks/"):
            return 404, missing, []
        if status != 200 or name not in ("freeze", "lag", "prune"):
            return status, body, []
        value = json.loads(body)
        if name == "prune":
            return 200, json.dumps(self.rows(value, lambda at: at >= nanos_of(mode["before"]))).encode(), []
        if name == "freeze":
            block = mode["head"]
        else:
            newest = self.head()
            number = max(1, newest["number"] - mode["by"] // 2)
            block = json.loads(self.ask("GET", f"/api/v1/blocks/{number}")[1])
        if "blocks" in value:
            value["blocks"] = [block]
        end = nanos_of(block["timestamp"]["to"])
        return 200, json.dumps(self.rows(value, lambda at: at <= end)).encode(), []

    def rows(self, value, isKept):
        for kind, time_of in (("logs", "timestamp"), ("messages", "consensus_timestamp")):
            if kind in value:
                rows = value[kind]
                value[kind] = [row for row in rows if isKept(nanos_of(row[time_of]))]
                if len(value[kind]) < len(rows) and not isKept(nanos_of(rows[-1][time_of])):
                    value["links"]["next"] = None
        return value


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    gate = None

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/gate":
            with self.gate.lock:
                return self.reply(200, json.dumps(self.gate.control(json.loads(body))).encode(), [])
        self.handle_request("POST", body)

    def do_GET(self):
        if self.headers.get("Sec-WebSocket-Key"):
            return self.socket()
        self.handle_request("GET", None)

    def handle_request(self, method, body):
        try:
            self.reply(*self.gate.answer(method, self.path, body))
        except Broken as broken:
            self.close_connection = True
            try:
                broken.misbehave(self)
            except OSError:
                pass

    def reply(self, status, data, headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name == "Content-Type" for name, _ in headers):
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def socket(self):
        """A socket that refuses as ordered; with `hang` it is open and says nothing, with `error` it does not
        subscribe."""
        self.gate.requests += 1
        self.close_connection = True
        mode = self.gate.mode
        if mode["mode"] == "status":
            return self.reply(mode["status"], b"", [("Connection", "close")])
        if mode["mode"] == "close":
            return
        accept = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + MAGIC).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.end_headers()
        self.wfile.flush()
        try:
            while self.rfile.read(1):
                if mode["mode"] == "error":
                    error = {"code": mode["code"], "message": mode["message"]}
                    text = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
                    self.wfile.write(bytes([0x81, len(text)]) + text)
                    mode = {"mode": "hang"}
        except OSError:
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def main():
    Handler.gate = Gate(int(sys.argv[1]))
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()

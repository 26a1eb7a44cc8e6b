# SPDX-License-Identifier: Apache-2.0
"""A Hedera mirror node, for tests: contract logs, topic messages and blocks over REST, with faults to order.

Started with a seed; prints its port on a line of its own. Ends when its standard input does. Time is the consensus time
of its own network and moves only when it is told to (POST /control), or with the clock after `live`.
"""

import base64
import hashlib
import http.server
import json
import random
import re
import sys
import threading
import time
import urllib.parse

NANOS = 1_000_000_000
BEGIN = 1_700_000_000 * NANOS
BLOCK = 2 * NANOS
DEFAULT_LIMIT, MAX_LIMIT = 25, 100
TOPIC_RANGE = 7 * 86_400 * NANOS
TIMESTAMP = re.compile(r"\d{1,10}(\.\d{1,9})?")
CONTRACT = re.compile(r"(\d+\.\d+\.)?(\d{1,10})|(0x)?([0-9a-fA-F]{40})")
LOG_PARAMETERS = {"limit", "order", "timestamp", "index", "topic0", "topic1", "topic2", "topic3", "transaction.hash"}
MESSAGE_PARAMETERS = {"limit", "order", "timestamp", "sequencenumber", "encoding"}
BLOCK_PARAMETERS = {"limit", "order", "timestamp", "block.number"}


class Refused(Exception):
    def __init__(self, status, message, headers=()):
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


class Broken(Exception):
    """The answer is no answer: what is written instead, or None to hang, or False to hang up."""

    def __init__(self, data):
        super().__init__("broken")
        self.data = data


def text_of(nanos):
    return f"{nanos // NANOS}.{nanos % NANOS:09d}"


def nanos_of(text):
    if not TIMESTAMP.fullmatch(text):
        raise Refused(400, "Invalid parameter: timestamp")
    seconds, _, fraction = text.partition(".")
    return int(seconds) * NANOS + int(fraction.ljust(9, "0"))


def operator_of(value, name, read):
    operator, colon, rest = value.partition(":")
    if not colon:
        operator, rest = "eq", value
    if operator not in ("eq", "gt", "gte", "lt", "lte"):
        raise Refused(400, f"Invalid parameter: {name}")
    return operator, read(rest)


def whole(name):
    def read(text):
        if not text.isascii() or not text.isdigit():
            raise Refused(400, f"Invalid parameter: {name}")
        return int(text)

    return read


def bounds(values, name, read):
    """At most one bound from below and one from above, or one value; as an inclusive range."""
    low, high = None, None
    for value in values:
        operator, number = operator_of(value, name, read)
        if operator in ("eq", "gt", "gte"):
            if low is not None:
                raise Refused(400, f"Only one range (gt or gte) may be used for {name}")
            low = number + 1 if operator == "gt" else number
        if operator in ("eq", "lt", "lte"):
            if high is not None:
                raise Refused(400, f"Only one range (lt or lte) may be used for {name}")
            high = number - 1 if operator == "lt" else number
    return low, high


class Mirror:
    def __init__(self, seed):
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.network = seed
        self.faults = {}
        self.now = BEGIN
        self.last = BEGIN
        self.live = None
        self.contracts = {}
        self.topics = {}
        self.transactions = 0
        self.requests = {}

    # Faults are chances of 1, by name: partial, nulls, lagging, 429, 500, hang, garbage, truncated, closed, html, loop.
    # `late` is a chance for each new log, `latest` the most seconds that it comes late; `ghost` for a log that is shown
    # for some time and was never there.

    def happens(self, name):
        return self.random.random() < self.faults.get(name, 0)

    # What happens on the network.

    def tick(self):
        """A new consensus time, later than all before, not after now."""
        self.last = max(self.last + 1, self.now - self.random.randrange(BLOCK))
        self.now = max(self.now, self.last)
        return self.last

    def advance(self, seconds):
        self.now += int(seconds * NANOS)

    def hex(self, count):
        return "0x" + self.random.randbytes(count).hex()

    def block_of(self, nanos):
        number = (nanos - BEGIN) // BLOCK + 1
        digest = hashlib.sha384(f"{self.network} {number}".encode()).hexdigest()
        return {
            "number": number,
            "hash": "0x" + digest,
            "name": f"{text_of(nanos)}.rcd.gz",
            "count": 1,
            "timestamp": {"from": text_of(BEGIN + (number - 1) * BLOCK), "to": text_of(BEGIN + number * BLOCK - 1)},
        }

    def address_of(self, contract):
        return "0x" + int(contract.rpartition(".")[2]).to_bytes(20, "big").hex()

    def emit(self, contract, transactions, logs, topics, data):
        """So many transactions with so many logs each; topics and data are templates with the count of the log."""
        rows = self.contracts.setdefault(contract, [])
        for _ in range(transactions):
            at = self.tick()
            self.transactions += 1
            block = self.block_of(at)
            name = self.hex(32)
            visible = at
            if self.happens("late"):
                visible += int(self.random.uniform(0, self.faults.get("latest", 30)) * NANOS)
            for index in range(logs):
                amount = self.transactions * 1000 + index
                rows.append(
                    {
                        "visible": visible,
                        "gone": at + 30 * NANOS if self.happens("ghost") else None,
                        "at": at,
                        "row": {
                            "address": self.address_of(contract),
                            "bloom": "0x",
                            "contract_id": contract,
                            "data": data.replace("{amount}", f"{amount:064x}"),
                            "index": index,
                            "topics": [topic.replace("{user}", f"{index + 1:064x}") for topic in topics],
                            "block_hash": block["hash"],
                            "block_number": block["number"],
                            "root_contract_id": None,
                            "timestamp": text_of(at),
                            "transaction_hash": name,
                            "transaction_index": None,
                        },
                    }
                )
        return {"now": text_of(self.now)}

    def say(self, topic, messages, chunks, size):
        """So many messages, each of so many parts, which do not come one after the other."""
        rows = self.topics.setdefault(topic, [])
        waiting = []
        for _ in range(messages):
            start = text_of(self.now - self.random.randrange(1, 20 * NANOS))
            content = self.random.choice(["", "№ ", "\"quoted\" "]) + self.hex(size)
            content = content.encode() if self.happens_once(0.8) else b"\xff" + content.encode()
            step = max(1, -(-len(content) // chunks))
            parts = [content[begin : begin + step] for begin in range(0, len(content), step)]
            waiting.append([(start, number + 1, len(parts), part) for number, part in enumerate(parts)])
        while waiting:
            parts = self.random.choice(waiting)
            start, number, total, part = parts.pop(0)
            if not parts:
                waiting.remove(parts)
            at = self.tick()
            sequence = len(rows) + 1
            info = {"account_id": "0.0.10", "nonce": 0, "scheduled": False, "transaction_valid_start": start}
            visible = at
            if self.happens("late"):
                visible += int(self.random.uniform(0, self.faults.get("latest", 30)) * NANOS)
            rows.append(
                {
                    "visible": visible,
                    "at": at,
                    "row": {
                        "chunk_info": {"initial_transaction_id": info, "number": number, "total": total}
                        if total > 1 or sequence % 2
                        else None,
                        "consensus_timestamp": text_of(at),
                        "message": base64.b64encode(part).decode(),
                        "payer_account_id": "0.0.10",
                        "running_hash": base64.b64encode(self.random.randbytes(48)).decode(),
                        "running_hash_version": 3,
                        "sequence_number": sequence,
                        "topic_id": topic,
                    },
                }
            )
        return {"now": text_of(self.now)}

    def happens_once(self, chance):
        return self.random.random() < chance

    def truth(self):
        """What a mirror would tell that is never late."""
        return {
            "logs": [entry["row"] for rows in self.contracts.values() for entry in rows if entry["gone"] is None],
            "messages": [entry["row"] for rows in self.topics.values() for entry in rows],
        }

    def control(self, order):
        name, arguments = order["do"], order.get("with", {})
        if name == "advance":
            self.advance(arguments["seconds"])
        elif name == "faults":
            self.faults = arguments
        elif name == "emit":
            return self.emit(**arguments)
        elif name == "say":
            return self.say(**arguments)
        elif name == "truth":
            return self.truth()
        elif name == "live":
            # From now on its time is the clock's.
            self.now = max(self.now, time.time_ns())
            self.live = True
        elif name == "network":
            self.network = arguments["network"]
        elif name == "requests":
            return self.requests
        else:
            raise Refused(400, f"there is no {name}")
        return {"now": text_of(self.now)}

    # What it answers.

    def answer(self, path, query):
        for status in (429, 500):
            if self.happens(str(status)):
                raise Refused(status, "Too Many Requests" if status == 429 else "Internal", [("Retry-After", "0")])
        if self.happens("hang"):
            raise Broken(None)
        if self.happens("closed"):
            raise Broken(False)
        if self.happens("html"):
            raise Broken(b"<html>a proxy of somebody</html>")
        if self.happens("garbage"):
            raise Broken(self.random.randbytes(60))
        if self.live:
            self.now = max(self.now, time.time_ns())
        # One of several mirrors behind an address answers, which is behind the others.
        now = self.now
        if self.happens("lagging"):
            now -= int(self.random.uniform(1, self.faults.get("lag", 20)) * NANOS)
        parts = path.removeprefix("/api/v1/").split("/")
        kind = parts[0] if len(parts) != 4 else "/".join([parts[0], *parts[2:]])
        self.requests[kind] = self.requests.get(kind, 0) + 1
        if not path.startswith("/api/v1/"):
            raise Refused(404, "Not found")
        if len(parts) == 4 and parts[0] == "contracts" and parts[2:] == ["results", "logs"]:
            answer = self.logs(parts[1], path, query, now)
        elif len(parts) == 3 and parts[0] == "topics" and parts[2] == "messages":
            answer = self.messages(parts[1], path, query, now)
        elif parts == ["blocks"]:
            answer = self.blocks(path, query, now)
        elif len(parts) == 2 and parts[0] == "blocks":
            answer = self.block(parts[1], now)
        else:
            raise Refused(404, "Not found")
        data = json.dumps(answer).encode()
        return data[: len(data) // 2] if self.happens("truncated") else data

    def read(self, query, known):
        values = {}
        for name, value in query:
            if name not in known:
                raise Refused(400, f"Unknown query parameter: {name}")
            values.setdefault(name, []).append(value)
        for name in ("limit", "order"):
            if len(values.get(name, [])) > 1:
                raise Refused(400, f"Invalid parameter: {name}")
        limit = whole("limit")(values.get("limit", [str(DEFAULT_LIMIT)])[0])
        if limit == 0:
            raise Refused(400, "Invalid parameter: limit")
        order = values.get("order", [None])[0]
        if order not in (None, "asc", "desc"):
            raise Refused(400, "Invalid parameter: order")
        return values, min(limit, MAX_LIMIT), order

    def logs(self, name, path, query, now):
        match = CONTRACT.fullmatch(name)
        if match is None:
            raise Refused(400, "Invalid parameter: contractId")
        values, limit, order = self.read(query, LOG_PARAMETERS)
        order = order or "desc"
        low, high = bounds(values.get("timestamp", []), "timestamp", nanos_of)
        index_bounds = values.get("index", [])
        if index_bounds and not values.get("timestamp"):
            raise Refused(400, "Cannot search index without a valid timestamp")
        topics = {n: {t.lower() for t in values[n]} for n in values if n.startswith("topic")}
        if topics and (low is None or high is None or high - low > TOPIC_RANGE):
            raise Refused(400, "Cannot search topics without a valid timestamp range: a range of at most 7 days")
        if match.group(2):
            contract = (match.group(1) or "0.0.") + match.group(2)
        else:
            contract = next((c for c in self.contracts if self.address_of(c)[2:] == match.group(4).lower()), None)
            if contract is None:
                raise Refused(404, f"No contract with the given evm address {name} has been found.")
        rows = [
            entry
            for entry in self.contracts.get(contract, [])
            if entry["visible"] <= now
            and entry["at"] <= now
            and (entry["gone"] is None or now < entry["gone"])
            and (low is None or entry["at"] >= low)
            and (high is None or entry["at"] <= high)
        ]
        for value in index_bounds:
            operator, number = operator_of(value, "index", whole("index"))
            if operator == "gt":
                rows = [e for e in rows if e["at"] != low or e["row"]["index"] > number]
            elif operator == "lt":
                rows = [e for e in rows if e["at"] != high or e["row"]["index"] < number]
            else:
                raise Refused(400, "Invalid parameter: index")
        for topic, wanted in topics.items():
            place = int(topic[-1])
            rows = [e for e in rows if len(e["row"]["topics"]) > place and e["row"]["topics"][place].lower() in wanted]
        rows.sort(key=lambda e: (e["at"], e["row"]["index"]), reverse=order == "desc")
        if self.happens("partial") and rows:
            # It looks like a whole answer.
            rows = [entry for entry in rows if self.random.random() < 0.8]
        page = rows[:limit]
        found = [dict(entry["row"]) for entry in page]
        if self.happens("nulls") and found:
            early = found[-1]
            early["index"] = early["block_number"] = None
            early["block_hash"] = "0x"
        following = None
        if len(page) == limit:
            last = page[-1]
            at, index = text_of(last["at"]), last["row"]["index"]
            kept = [(n, v) for n, v in query if n not in ("timestamp", "index")]
            bound = [(n, v) for n, v in query if n == "timestamp" and v[:2] == ("lt" if order == "asc" else "gt")]
            step = ("gte", "gt") if order == "asc" else ("lte", "lt")
            kept += bound + [("timestamp", f"{step[0]}:{at}"), ("index", f"{step[1]}:{index}")]
            following = path + "?" + urllib.parse.urlencode(kept, safe=":.")
            if self.happens("loop"):
                following = path + "?" + urllib.parse.urlencode(query, safe=":.")
        return {"logs": found, "links": {"next": following}}

    def messages(self, name, path, query, now):
        match = re.fullmatch(r"(\d+\.\d+\.)?(\d{1,10})", name)
        if match is None:
            raise Refused(400, "Invalid parameter: topic.id")
        values, limit, order = self.read(query, MESSAGE_PARAMETERS)
        order = order or "asc"
        topic = (match.group(1) or "0.0.") + match.group(2)
        if topic not in self.topics:
            raise Refused(404, f"No such topic id - {match.group(2)}")
        low, high = bounds(values.get("timestamp", []), "timestamp", nanos_of)
        first, last = bounds(values.get("sequencenumber", []), "sequencenumber", whole("sequencenumber"))
        rows = [
            entry
            for entry in self.topics[topic]
            if entry["visible"] <= now
            and entry["at"] <= now
            and (low is None or entry["at"] >= low)
            and (high is None or entry["at"] <= high)
            and (first is None or entry["row"]["sequence_number"] >= first)
            and (last is None or entry["row"]["sequence_number"] <= last)
        ]
        rows.sort(key=lambda e: e["at"], reverse=order == "desc")
        if self.happens("partial") and rows:
            rows = [entry for entry in rows if self.random.random() < 0.9]
        page = [entry["row"] for entry in rows[:limit]]
        following = None
        if len(page) == limit:
            operator = "gt" if order == "asc" else "lt"
            kept = [(n, v) for n, v in query if n != "sequencenumber"]
            kept.append(("sequencenumber", f"{operator}:{page[-1]['sequence_number']}"))
            following = path + "?" + urllib.parse.urlencode(kept, safe=":.")
        return {"messages": page, "links": {"next": following}}

    def blocks(self, path, query, now):
        _, limit, order = self.read(query, BLOCK_PARAMETERS)
        if (order or "desc") != "desc" or limit != 1:
            raise Refused(400, "only the newest block is here")
        # The block that is being made is not there yet.
        newest = self.block_of(now - BLOCK) if now - BLOCK >= BEGIN else None
        return {"blocks": [newest] if newest else [], "links": {"next": None}}

    def block(self, name, now):
        number = int(name) if name.isdigit() else -1
        if number < 1 or BEGIN + number * BLOCK > now:
            raise Refused(404, "Not found")
        return self.block_of(BEGIN + (number - 1) * BLOCK)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    mirror = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.reply(lambda: self.mirror.answer(path, urllib.parse.parse_qsl(query, keep_blank_values=True)))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.reply(lambda: json.dumps(self.mirror.control(json.loads(body))).encode())

    def reply(self, make):
        status, headers = 200, []
        try:
            with self.mirror.lock:
                data = make()
        except Refused as refused:
            status, headers = refused.status, refused.headers
            data = json.dumps({"_status": {"messages": [{"message": refused.message}]}}).encode()
        except Broken as broken:
            if not broken.data:
                if broken.data is None:
                    # Longer than the limit that the tests set.
                    time.sleep(1)
                self.close_connection = True
                return
            data = broken.data
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def main():
    Handler.mirror = Mirror(int(sys.argv[1]))
    server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()

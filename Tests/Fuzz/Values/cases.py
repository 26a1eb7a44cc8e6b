# SPDX-License-Identifier: Apache-2.0
"""Cases: valid examples of Corpus/values with some changes. A case follows from the seed and its number."""

import base64
import hashlib
import hmac
import json
import random
import re
import time
from urllib.parse import quote_from_bytes, unquote_to_bytes

from hostile import CORPUS, Array, Object, Values, copy, mutate, text, tree

VALUES = Values()
SECRET = "a secret of the tests that has thirty-two bytes and more"
WEBHOOK_SECRET = "a secret of webhooks that has thirty-two bytes and more"
API_KEY = "bt_" + base64.urlsafe_b64encode(hashlib.sha256(b"fuzz").digest()).decode().rstrip("=")
USERS = {
    "u_42": "", "u_77": "", "reader": "read:* support:read", "fuzz": "publish:* read:* source:*",
    "witness": "publish:transactionUpdate",
}
# Tokens are always the same, so that a case is: issued in 2025, good until 2100.
ISSUED, EXPIRES = 1_764_374_400, 4_102_444_800
# What a path and a query have as they are; everything else is percent-encoded.
PLAIN = "~:/@!$'()*,"
# These decide where a request ends: what comes then is the next one's, and no answer to this one need come.
FRAMING = (b"content-length", b"transfer-encoding", b"expect", b"connection", b"upgrade")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def jwt(header, claims):
    signed = base64url(header) + b"." + base64url(claims)
    return signed + b"." + base64url(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest())


def token(user):
    claims = {"sub": user, "exp": EXPIRES}
    if USERS[user]:
        claims["scope"] = USERS[user]
    return jwt(b'{"alg":"HS256"}', json.dumps(claims).encode()).decode()


def escaped(data):
    return quote_from_bytes(data, safe=PLAIN).encode()


class Examples:
    def __init__(self):
        def read(name):
            return json.loads((CORPUS / name).read_text())

        self.events = [tree(event) for event in read("events.json")]
        self.messages = [tree(message) for message in read("messages.json")]
        self.tokens = [(tree(token["header"]), tree(token["claims"])) for token in read("tokens.json")]
        self.requests = read("requests.json")
        self.streams = read("streams.json")
        self.feeds = read("feeds.json")


EXAMPLES = Examples()


class Known:
    """What was seen of the hub and goes into cases, so that they get further."""

    def __init__(self):
        self.epoch = "k3abcdef"
        self.cursor = "0"
        self.sessions = ["s-1"]
        self.tokens = {user: token(user) for user in USERS}
        self.bus = []


def filled(node, chance):
    """The same with an event for each {event}."""
    if node == b'"{event}"':
        return copy(chance.choice(EXAMPLES.events))
    if isinstance(node, Object):
        return Object([name, filled(value, chance)] for name, value in node)
    if isinstance(node, Array):
        return Array(filled(value, chance) for value in node)
    return node


class Case:
    """One thing that is sent: `door` says where, `data` is what. `changes` are seeds, one for each change, so that a
    case can be tried with some of them left out."""

    def __init__(self, door, seed, number, known, changes=None):
        self.door, self.seed, self.number = door, seed, number
        chance = random.Random(f"{seed}:{door}:{number}")
        count = chance.choice((0, 1, 1, 1, 1, 2, 2, 3, 4, 6))
        drawn = [chance.getrandbits(32) for _ in range(count)]
        self.changes = drawn if changes is None else changes
        self.fresh = f"{seed}-{door}-{number}".encode()
        self.known = known
        self.name, self.is_framed, self.is_head, self.is_raw = door, True, False, False
        self.data = getattr(self, "make_" + door)(chance)

    def without(self, left_out):
        rest = [change for index, change in enumerate(self.changes) if index != left_out]
        return Case(self.door, self.seed, self.number, self.known, rest)

    def fill(self, data):
        if b"{" not in data:
            return data
        for name, value in (
            (b"{fresh}", self.fresh), (b'"{later}"', b"%d" % EXPIRES), (b'"{now}"', b"%d" % ISSUED),
            (b"{epoch}", self.known.epoch.encode()), (b"{cursor}", self.known.cursor.encode()),
            (b"{key}", API_KEY.encode()),
        ):
            data = data.replace(name, value)
        if b"{session}" in data:
            data = data.replace(b"{session}", random.Random(self.number).choice(self.known.sessions).encode())
        if b"{token:" in data:
            for user, of in self.known.tokens.items():
                data = data.replace(b"{token:%s}" % user.encode(), of.encode())
        if b"{claims}" in data:
            data = data.replace(b"{claims}", self.claims())
        return data

    def claims(self):
        """A token whose header and claims are mutated and whose signature is good."""
        chance = random.Random(f"{self.seed}:claims:{self.number}")
        header, claims = (copy(part) for part in chance.choice(EXAMPLES.tokens))
        for change in self.changes:
            chance = random.Random(change)
            if chance.random() < 0.2:
                header = mutate(header, VALUES, chance)
            else:
                claims = mutate(claims, VALUES, chance)
        # More than a head can have is no use.
        return jwt(self.fill(text(header))[:50_000], self.fill(text(claims))[:50_000])

    def mutated(self, document):
        for change in self.changes:
            document = mutate(document, VALUES, random.Random(change))
        return self.fill(text(document))

    # MARK: Doors

    def make_message(self, chance):
        message = filled(copy(chance.choice(EXAMPLES.messages)), chance)
        self.name = "op " + next(value.decode() for name, value in message if name == b"op").strip('"')
        return self.mutated(message)

    def make_feed(self, chance):
        example = chance.choice(EXAMPLES.feeds)
        self.channel = example["channel"].encode()
        self.name = "fan-in " + example["channel"]
        return self.mutated(filled(tree(example["json"]), chance))

    def make_bus(self, chance):
        """What nodes tell each other, heard before: bytes with lengths and numbers."""
        data = bytearray(chance.choice(self.known.bus)[:65536] if self.known.bus else b"btc\x02" + bytes(60))
        self.name = "bus"
        for change in self.changes:
            chance = random.Random(change)
            place = chance.randrange(len(data) + 1)
            kind = chance.randrange(6)
            if kind == 0:
                width = chance.choice((4, 8))
                number = chance.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**53, 2**63 - 1, 2**63 - 2**32, 2**64 - 1))
                data[place : place + width] = (number % 2 ** (8 * width)).to_bytes(width, "big")
            elif kind == 1:
                del data[place : place + chance.choice((1, 4, 8, 1000))]
            elif kind == 2 and place < len(data):
                data[place] ^= 1 << chance.randrange(8)
            elif kind == 3:
                data[place:place] = VALUES.plain(chance)
            elif kind == 4:
                data[place:place] = data[place : place + 200]
            else:
                data[place:place] = chance.choice(VALUES.texts)
        return bytes(data)

    def make_stream(self, chance):
        return self.request(copy_request(chance.choice(EXAMPLES.streams)), chance)

    def make_request(self, chance):
        return self.request(copy_request(chance.choice(EXAMPLES.requests)), chance)

    # MARK: Requests

    def request(self, example, chance):
        self.name, self.port = example["name"], example.get("port", "public")
        documents = [filled(tree(of), chance) for of in example.get("lines", [example["json"]] if "json" in example else [])]
        parts = Request(example, documents)
        for change in self.changes:
            parts.change(random.Random(change))
        if chance.random() < 0.03:
            parts.method = chance.choice((b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"POST", b"GET", b"TRACE", b"QUERY"))
        body = None if not parts.documents else b"\n".join(text(of) for of in parts.documents)
        return self.wire(example, parts, None if body is None else self.fill(body), chance)

    def wire(self, example, parts, body, chance):
        """The request as it is sent."""
        headers = [(name, self.fill(value)) for name, value in parts.headers]
        if "as" in example:
            headers.append((b"Authorization", b"Bearer " + self.known.tokens[example["as"]].encode()))
        if example.get("signed"):
            now = b"%d" % time.time()
            digest = hmac.new(WEBHOOK_SECRET.encode(), now + b"." + (body or b""), hashlib.sha256).hexdigest()
            headers.append((b"Broadtape-Signature", b"t=" + now + b",v1=" + digest.encode()))
        path = self.fill(parts.path) if parts.is_raw else escaped(self.fill(parts.path))
        target = path or b"/"
        for index, (name, value) in enumerate(parts.query):
            name, value = self.fill(name), self.fill(value)
            if not parts.is_raw:
                name, value = escaped(name), escaped(value)
            target += (b"&" if index else b"?") + name + b"=" + value
        lines = [parts.method + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1"]
        lines += [name + b": " + value for name, value in headers]
        head = b"".join(lines)
        self.is_framed = not (
            b"\r" in head or b"\n" in head or b"\0" in head or b" " in target
            or any(name.lower().strip() in FRAMING for name, _ in headers)
        )
        self.is_head = parts.method == b"HEAD"
        if body is not None and chance.random() < 0.1:
            half = len(body) // 2
            lines.append(b"Transfer-Encoding: chunked")
            pieces = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:half], body[half:]) if piece)
            body = b"".join(pieces) + b"0\r\n\r\n"
        elif body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")

    def is_harmful(self):
        """Whether the hub would rightly do what ends the run: leave, or refuse the run's own users."""
        # The router takes any number of slashes for one.
        if self.port == "admin" and re.match(rb"POST /+drain/*[ ?]", self.data):
            given = re.findall(rb"[?&]over=([^& ]*)", self.data.split(b"\r\n")[0])
            numbers = (unquote_to_bytes(value) for value in given)
            return not given or any(re.fullmatch(rb"[+-]?[0-9]+", value) and int(value[:30]) in range(3_600_001) for value in numbers)
        return self.port == "admin" and b"/revocations" in self.data and any(user.encode() in self.data for user in USERS)


def copy_request(example):
    return dict(example)


class Request:
    """A request in parts, each of which can be changed."""

    def __init__(self, example, documents):
        self.method = example.get("method", "POST" if documents else "GET").encode()
        self.path = example["path"].encode()
        self.query = [[name.encode(), value.encode()] for name, value in example.get("query", [])]
        self.headers = [[name.encode(), value.encode()] for name, value in example.get("headers", [])]
        self.documents = documents
        self.is_raw = False

    HEADERS = (
        b"Accept", b"Accept-Encoding", b"Authorization", b"Connection", b"Content-Encoding", b"Content-Length", b"Content-Type",
        b"Cookie", b"Expect", b"Host", b"If-None-Match", b"Last-Event-ID", b"Origin", b"Range", b"Sec-Fetch-Site",
        b"Sec-WebSocket-Key", b"Sec-WebSocket-Version", b"Transfer-Encoding", b"Upgrade", b"X-API-Key", b"X-Forwarded-For",
        b"X-Request-Id", b"ce-id", b"ce-specversion", b"traceparent", b"Broadtape-Signature",
    )

    def change(self, chance):
        has_name = self.path.count(b"/") > 1
        kinds = ["head", "path"] + ["path"] * 3 * has_name
        kinds += ["query"] * 6 * bool(self.query) + ["body"] * 12 * bool(self.documents)
        kind = chance.choice(kinds)
        if kind == "body":
            index = chance.randrange(len(self.documents))
            self.documents[index] = mutate(self.documents[index], VALUES, chance)
        elif kind == "query":
            self.pairs(self.query, chance, (b"after", b"limit", b"since", b"user", b"pair", b"prefix", b"before", b"channel"))
        elif kind == "head":
            self.pairs(self.headers, chance, self.HEADERS)
        else:
            self.change_path(chance)

    def change_path(self, chance):
        kind = chance.random()
        if kind < 0.15:
            self.is_raw = True
        if kind < 0.3:
            cut = self.path.find(b"/", 1)
            if 0 < cut:
                self.path = self.path[: cut + 1] + VALUES.plain(chance)[:10000]
                return
        if kind < 0.4:
            self.query.append([chance.choice(VALUES.members), VALUES.plain(chance)[:10000]])
            return
        place = chance.randrange(max(1, self.path.find(b"/", 1)), len(self.path) + 1)
        self.path = self.path[:place] + VALUES.plain(chance)[:10000] + self.path[place:]

    def pairs(self, pairs, chance, names):
        """Changes parameters or fields of the head."""
        kind = chance.random()
        if not pairs or kind < 0.15:
            pairs.append([chance.choice(names), VALUES.plain(chance)[:10000]])
            return
        index = chance.randrange(len(pairs))
        if kind < 0.65:
            pairs[index][1] = VALUES.plain(chance)[:10000]
        elif kind < 0.8:
            pairs[index][1] = VALUES.edited(pairs[index][1], chance)[:10000]
        elif kind < 0.86:
            del pairs[index]
        elif kind < 0.94:
            pairs[index:index] = [list(pairs[index]) for _ in range(chance.choice((1, 1, 2, 60)))]
        else:
            pairs[index][0] = chance.choice((VALUES.edited(pairs[index][0], chance)[:200], chance.choice(names)))

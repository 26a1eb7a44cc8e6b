# SPDX-License-Identifier: Apache-2.0
"""Sends cases through each door of a hub and validates what comes back."""

import asyncio
import random
import re

import cases
from wire import Answer, Connection, Ended, Redis, Socket, parse

# Of 5xx only these are the client's doing (docs/errors.md, bad_request).
CLIENTS_FAULTS = {(501, "bad_request"), (505, "bad_request")}
# 1011 is not among them: the hub met something it did not expect.
CLOSE_CODES = {1000, 1001, 1002, 1007, 1009, 4005, 4010, 4500, 4501, 4502, 4505, 4508}
KNOWN_CODES = set(re.findall(r"^### `([a-z_]+)`", (cases.CORPUS.parents[3] / "docs/errors.md").read_text(), re.M))
OPS = {
    "welcome", "authenticated", "subscribed", "snapshot", "event", "caughtUp", "unsubscribed", "history", "published", "pong",
    "heartbeat", "error", "goodbye",
}


class Unanswered(Exception):
    """No answer came, and it cannot be known to which case."""

    def __init__(self, what, suspects):
        super().__init__(what)
        self.what, self.suspects = what, suspects


def complaint(answer, case):
    """What is wrong with an answer; None for nothing."""
    status = answer.status
    if status >= 500:
        code = answer.code()
        is_full = case.name == "POST /revocations" and (status, code) == (503, "overloaded")
        if (status, code) not in CLIENTS_FAULTS and not is_full:
            return f"{status} {code}"
    if case.is_head or status in (101, 204, 304):
        return None
    kind = answer.fields.get(b"content-type", b"")
    if status >= 400 and kind.startswith(b"application/problem+json"):
        code = answer.code()
        return None if code in KNOWN_CODES else f"{status} {code}"
    if kind.startswith(b"application/json"):
        try:
            parse(answer.body)
        except ValueError:
            return f"{status} not JSON"
    return None


class Requests:
    """Requests over connections that are kept, one after another."""

    def __init__(self, hub, known):
        self.hub, self.known = hub, known
        self.connections = {}

    async def send(self, case):
        if case.is_harmful():
            return None
        if case.is_head or not case.is_framed:
            return await self.send_alone(case)
        connection = self.connections.get(case.port)
        is_new = connection is None or connection.reader is None
        if is_new:
            connection = self.connections[case.port] = Connection(self.hub.ports[case.port])
        try:
            await connection.send(case.data)
            answer = await connection.answer(case.is_head)
        except (Ended, ConnectionError) as error:
            connection.close()
            if not is_new:
                # It may have been closed before this was sent.
                return await self.send(case)
            raise Unanswered(f"closed without an answer ({error})"[:100], [case]) from None
        self.learn(case, answer)
        return complaint(answer, case)

    async def send_alone(self, case):
        """Where the request ends is open: what comes within a moment is looked at."""
        connection = Connection(self.hub.ports[case.port])
        data = b""
        try:
            await connection.send(case.data)
            async with asyncio.timeout(0.2):
                while piece := await connection.reader.read(65536):
                    data += piece
        except (TimeoutError, ConnectionError):
            pass
        finally:
            connection.close()
        head, _, rest = data.partition(b"\r\n\r\n")
        # Behind an answer that ends the connection nobody is led astray.
        if case.is_head and case.is_framed and rest and b"connection: close" not in head.lower():
            return "a body in answer to HEAD"
        for status in re.findall(rb"HTTP/1\.1 (5\d\d) ", data):
            if status not in (b"501", b"505") and b'"code":"overloaded"' not in data:
                return f"{status.decode()} to a request without an end"
        return None

    def learn(self, case, answer):
        if answer.status != 200 or case.is_head:
            return
        if case.name == "GET /sessions":
            found = re.findall(rb'"id":"([A-Za-z0-9_-]+)"', answer.body)
            if found:
                self.known.sessions = [id.decode() for id in found][:50]
        elif case.name == "GET /transactions":
            if found := re.search(rb'"next":"([^"]+)"', answer.body):
                self.known.cursor = found[1].decode()

    def close(self):
        for connection in self.connections.values():
            connection.close()


class Streams:
    """Server-Sent Events: the head, the first bytes, and gone."""

    def __init__(self, hub, known):
        self.hub, self.stage = hub, ""

    async def send(self, case):
        connection = Connection(self.hub.ports["public"])
        try:
            if not case.is_framed:
                return await Requests(self.hub, None).send_alone(case)
            self.stage = "connecting"
            await connection.send(case.data)
            self.stage = f"waiting for the head at port {connection.writer.get_extra_info('sockname')[1]}"
            status, fields = await connection.head()
            self.stage = f"{status}, waiting for more at port {connection.writer.get_extra_info('sockname')[1]}"
            if fields.get(b"content-type") == b"text/event-stream":
                if not case.is_head and not await connection.event():
                    return f"{status} without an event"
                return f"{status} stream" if status >= 500 else None
            body = b"" if case.is_head or status in (204, 304) else await connection.body(fields)
            return complaint(Answer(status, fields, body), case)
        except (asyncio.IncompleteReadError, Ended, ConnectionError) as error:
            raise Unanswered(f"closed without an answer ({error})"[:100], [case]) from None
        finally:
            connection.close()

    def close(self):
        pass


class Messages:
    """Messages over WebSockets, some at once, with a ping behind that must be answered after all of them."""

    # Messages of one socket, so that subscriptions do not become ever more.
    LIFE = 60

    def __init__(self, hub, known):
        self.hub, self.known, self.socket = hub, known, None
        self.sent, self.pings = 0, 0
        self.chance = random.Random(0)

    async def send(self, case):
        return await self.send_all([case])

    async def send_all(self, batch):
        if self.socket is None:
            await self.open()
        self.pings += 1
        name = f"ping {self.pings}"
        frames = [Socket.frame(case.data) for case in batch] + [Socket.frame(b'{"op":"ping","id":"%s"}' % name.encode())]
        self.sent += len(batch)
        self.socket.send(b"".join(frames))
        try:
            while True:
                message = await self.socket.receive()
                if isinstance(message, int):
                    self.close()
                    return None if message in CLOSE_CODES else f"closed with {message}"
                found = self.check(message)
                if isinstance(found, str):
                    return found
                if found.get("op") == "pong" and found.get("id") == name:
                    break
        except (Ended, ConnectionError) as error:
            self.close()
            raise Unanswered(f"closed without a close frame ({error})"[:100], batch) from None
        if self.sent >= self.LIFE:
            self.close()
        return None

    def check(self, data):
        try:
            message = parse(data)
        except ValueError:
            return "a message that is not JSON"
        if not isinstance(message, dict) or message.get("op") not in OPS:
            return "a message without an op"
        if message["op"] == "subscribed":
            self.known.epoch = message["epoch"]
        elif message["op"] == "error":
            if message["code"] in ("unavailable", "overloaded") or message["code"] not in KNOWN_CODES:
                return f"error {message['code']}"
        return message

    async def open(self):
        role = self.chance.choice((None, "u_42", "u_42", "reader", "fuzz", "fuzz"))
        self.sent = 0
        socket = Socket(self.hub.ports["public"])
        # At once after the upgrade, so that nothing of this is closed for not having authenticated.
        try:
            await socket.open(self.known.tokens[role] if role else None)
        except (Ended, ConnectionError) as error:
            raise Unanswered(f"no socket ({error})"[:100], []) from None
        self.socket = socket

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


class Feeds:
    """Messages of outside publishers, and of other nodes, over Redis."""

    def __init__(self, redis_port, known):
        self.known = known
        self.redis = Redis(redis_port)

    async def send(self, case):
        channel = case.channel if case.door == "feed" else self.known.bus_channel
        if channel:
            await self.redis.send("PUBLISH", channel, case.data)
            await self.redis.reply()
        return None

    def close(self):
        self.redis.close()


async def listen_to_bus(redis_port, known):
    """Remembers what nodes tell each other, to make cases of."""
    redis = Redis(redis_port)
    await redis.send("PSUBSCRIBE", "*")
    await redis.reply()
    while len(known.bus) < 200:
        reply = await redis.reply()
        channel, payload = reply[2], reply[3]
        if channel.split(b".")[0] in (b"rate", b"chain", b"ask"):
            continue
        known.bus_channel = channel
        known.bus.append(payload)
    redis.close()

# SPDX-License-Identifier: Apache-2.0
"""Just enough of HTTP, WebSocket and RESP to send what no library would, and to read what a hub answers."""

import asyncio
import base64
import json
import os

LIMIT = 1 << 26


def strict(_):
    raise ValueError("a constant that is no JSON")


def parse(data):
    return json.loads(data, parse_constant=strict)


class Ended(Exception):
    """The other side has closed the connection."""


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def code(self):
        """Of a problem; what is wrong with it where it is none."""
        if not self.fields.get(b"content-type", b"").startswith(b"application/problem+json"):
            return "no problem"
        try:
            return parse(self.body).get("code", "no code")
        except ValueError:
            return "not JSON"


class Connection:
    """A connection over which one request follows another."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=LIMIT)

    def close(self):
        if self.writer:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def send(self, data):
        if not self.writer:
            await self.open()
        self.writer.write(data)
        # What is refused before it has come whole is answered while it is still being sent.
        if len(data) > 1 << 16:
            return
        await self.writer.drain()

    async def answer(self, is_head=False):
        try:
            while True:
                status, fields = await self.head()
                if status >= 200 or status == 101:
                    break
            body = b"" if is_head or status in (101, 204, 304) else await self.body(fields)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.close()
            raise Ended(str(error)) from None
        except Ended:
            self.close()
            raise
        if fields.get(b"connection", b"").lower() == b"close":
            self.close()
        return Answer(status, fields, body)

    async def head(self):
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head[:-4].split(b"\r\n")
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip()
        words = lines[0].split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise Ended(f"no HTTP where an answer should begin: {lines[0][:80]!r}")
        return int(words[1]), fields

    async def body(self, fields):
        if fields.get(b"transfer-encoding") == b"chunked":
            pieces = []
            while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                pieces.append((await self.reader.readexactly(size + 2))[:-2])
            await self.reader.readuntil(b"\r\n")
            return b"".join(pieces)
        if b"content-length" in fields:
            return await self.reader.readexactly(int(fields[b"content-length"]))
        return await self.reader.read()

    async def event(self):
        """The bytes of a stream up to the end of its next event."""
        try:
            size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
            return await self.reader.readexactly(size + 2)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            raise Ended(str(error)) from None


class Socket:
    """A WebSocket. Frames are masked with zeros, which is as good as any mask."""

    def __init__(self, port):
        self.connection, self.parts = Connection(port), []

    async def open(self, token=None):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET /ws HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        await self.connection.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = await self.connection.answer()
        if answer.status != 101:
            raise Ended(f"the upgrade is answered with {answer.status}")

    @staticmethod
    def frame(payload, opcode=1):
        length = len(payload)
        if length < 126:
            head = bytes((0x80 | opcode, 0x80 | length))
        elif length < 65536:
            head = bytes((0x80 | opcode, 0xFE)) + length.to_bytes(2, "big")
        else:
            head = bytes((0x80 | opcode, 0xFF)) + length.to_bytes(8, "big")
        return head + b"\0\0\0\0" + payload

    def send(self, data):
        self.connection.writer.write(data)

    async def receive(self):
        """The next message; a close code as a number."""
        try:
            while True:
                first, second = await self.connection.reader.readexactly(2)
                length = second & 0x7F
                if length > 125:
                    length = int.from_bytes(await self.connection.reader.readexactly(2 if length == 126 else 8), "big")
                payload = await self.connection.reader.readexactly(length)
                opcode = first & 0x0F
                if opcode == 8:
                    return int.from_bytes(payload[:2], "big")
                if opcode == 9:
                    self.send(self.frame(payload, 10))
                elif opcode < 8:
                    self.parts.append(payload)
                    if first & 0x80:
                        message, self.parts = b"".join(self.parts), []
                        return message
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Ended(str(error)) from None

    def close(self):
        self.connection.close()


class Redis:
    def __init__(self, port):
        self.connection = Connection(port)

    @staticmethod
    def command(*words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)

    async def send(self, *words):
        await self.connection.send(self.command(*words))

    async def reply(self):
        line = (await self.connection.reader.readuntil(b"\r\n"))[:-2]
        if line[:1] == b"$":
            length = int(line[1:])
            return None if length < 0 else (await self.connection.reader.readexactly(length + 2))[:-2]
        if line[:1] == b"*":
            return [await self.reply() for _ in range(int(line[1:]))]
        return line[1:]

    def close(self):
        self.connection.close()

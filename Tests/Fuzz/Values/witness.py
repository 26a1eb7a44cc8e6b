# SPDX-License-Identifier: Apache-2.0
"""An honest publisher and an honest subscriber beside the cases: the cases must not disturb them."""

import asyncio
import json
import time

from wire import Connection, Ended, Redis, Socket, parse

CHANNEL = "transactionUpdate:witness"
RATE = "rateChange:W/W"


class Witness:
    PACE = 0.03
    RATE_PACE = 0.5

    def __init__(self, hub, known, redis_port, patience, report):
        self.hub, self.known, self.redis_port, self.patience, self.report = hub, known, redis_port, patience, report
        # Numbers of events: the newest that was answered, with its time, and the newest that has come.
        self.published, self.received, self.rate_sent, self.rate_heard = 0, 0, 0, 0
        self.answered = {}
        self.slowest = 0.0

    async def publish(self):
        """Publishes 1, 2, 3 …, each until it is answered with its number."""
        connection = Connection(self.hub.ports["public"])
        token = self.known.tokens["witness"]
        while True:
            number = self.published + 1
            data = {"type": "witness", "amount": f"{number}", "status": "completed"}
            body = json.dumps({"type": "transactionUpdate", "key": "witness", "id": f"{number}", "data": data}).encode()
            head = (
                f"POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            try:
                async with asyncio.timeout(self.patience):
                    await connection.send(head.encode() + body)
                    answer = await connection.answer()
            except (Ended, ConnectionError):
                connection.close()
                await asyncio.sleep(0.1)
                continue
            except TimeoutError:
                self.report("witness", f"no answer to a publisher within {self.patience} s")
                connection.close()
                continue
            if answer.status != 200:
                self.report("witness", f"a publisher is answered {answer.status} {answer.code()}")
                await asyncio.sleep(0.2)
                continue
            seq = parse(answer.body)["results"][0]["positions"][0]["seq"]
            if seq != number:
                self.report("witness", f"event {number} has the number {seq}")
            self.published = number
            if self.received < number:
                self.answered[number] = time.monotonic()
            await asyncio.sleep(self.PACE)

    async def publish_rates(self):
        """The same over Redis, where nobody answers."""
        redis = Redis(self.redis_port)
        while True:
            self.rate_sent += 1
            event = {"type": "rateChange", "key": "W/W", "data": {"rate": f"{self.rate_sent}"}}
            await redis.send("PUBLISH", "rate.witness", json.dumps(event))
            await redis.reply()
            await asyncio.sleep(self.RATE_PACE)

    async def subscribe(self):
        """Every event once and in order, over any number of connections."""
        while True:
            socket = Socket(self.hub.ports["public"])
            try:
                await socket.open(self.known.tokens["witness"])
                for channel, since in ((CHANNEL, self.received), (RATE, None)):
                    message = {"op": "subscribe", "channel": channel} | ({} if since is None else {"since": since})
                    socket.send(Socket.frame(json.dumps(message).encode()))
                while True:
                    message = await socket.receive()
                    if isinstance(message, int):
                        if message not in (1001, 4001, 4010, 4502):
                            self.report("witness", f"a subscriber is closed with {message}")
                        break
                    self.take(parse(message))
            except (Ended, ConnectionError):
                pass
            socket.close()
            await asyncio.sleep(0.1)

    def take(self, message):
        op, channel = message["op"], message.get("channel")
        if op == "event" and channel == CHANNEL:
            seq, amount = message["seq"], message["data"].get("amount")
            if seq != self.received + 1 or amount != f"{seq}" or message["id"] != f"{seq}":
                self.report("witness", f"{seq} ({amount}, id {message['id'][:50]}) comes after {self.received}")
            self.received = max(self.received, seq)
            if since := self.answered.pop(seq, None):
                self.slowest = max(self.slowest, time.monotonic() - since)
        elif op in ("event", "snapshot") and channel == RATE and message["data"]["rate"].isdigit():
            self.rate_heard = max(self.rate_heard, int(message["data"]["rate"]))
        elif op == "error":
            self.report("witness", f"a subscriber receives the error {message['code']}")

    async def watch(self):
        """Says so where what was answered does not come."""
        while True:
            heard = self.rate_heard
            await asyncio.sleep(self.patience)
            waiting = [number for number, since in self.answered.items() if time.monotonic() - since > self.patience]
            if waiting:
                self.report("witness", f"event {waiting[0]} does not come within {self.patience} s of its answer")
                for number in waiting:
                    self.answered.pop(number, None)
            if self.redis_port and self.rate_heard == heard:
                self.report("witness", f"no rate of Redis comes within {self.patience} s")

    async def run(self):
        async with asyncio.TaskGroup() as group:
            group.create_task(self.publish())
            group.create_task(self.subscribe())
            group.create_task(self.watch())
            if self.redis_port:
                group.create_task(self.publish_rates())

    def check_log(self):
        """Whether the log has what was answered, once each and in order; what is wrong with it."""
        after = 0
        while True:
            status, page = self.hub.get("public", f"/channels/{CHANNEL}/events?after={after}&limit=1000", "witness")
            if status != 200:
                return f"{status} when the witness' channel is read"
            for event in page["events"]:
                after += 1
                if event["seq"] != after or event["data"].get("amount") != f"{after}":
                    return f"{event['seq']} where {after} should be"
            if not page["events"]:
                return None if after >= self.published else f"the log ends at {after}, {self.published} were answered"

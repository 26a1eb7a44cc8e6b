# SPDX-License-Identifier: Apache-2.0
"""A fake exchange: WebSocket, REST and the tests' own controls on one port.

    exchange.py DIALECT SEED        binance, coinbase, coinbase-advanced or kraken; prints its port

Prices are a walk from the seed. POST /control takes {"do": NAME, ...}; see Exchange.control. Python's standard library
only. Every quote that is sent and can be used is kept as the truth, to compare with what a hub has published.
"""

import asyncio
import base64
import hashlib
import json
import os
import random
import struct
import sys
import time
import urllib.parse

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_KEPT = 200_000


def decimal(hundredths, places):
    text = f"{hundredths // 100}.{hundredths % 100:02}"
    return text + "0" * (places - 2)


def rfc3339(microseconds):
    seconds, rest = divmod(microseconds, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:06}Z"


class Market:
    def __init__(self, symbol, chance):
        self.symbol = symbol
        self.chance = chance
        self.last = 100_000 + chance.randrange(1_000_000)
        self.spread = 2
        self.sequence = chance.randrange(10**9, 10**10)
        self.time = 0
        self.moved()

    def moved(self):
        self.last = max(1000, self.last + self.chance.randrange(-500, 501))
        self.spread = self.chance.randrange(1, 50)
        self.sequence += self.chance.randrange(1, 9)
        self.time = max(self.time + 1000, int(time.time() * 1_000_000) // 1000 * 1000)

    def copy(self):
        other = Market.__new__(Market)
        other.__dict__.update(self.__dict__)
        return other

    @property
    def bid(self):
        return self.last - self.spread

    @property
    def ask(self):
        return self.last + self.spread


class Dialect:
    """What is said about a market, and what a client's message asks for."""

    def __init__(self, name):
        self.name = name
        self.count = 0

    def ticker(self, market, bid=None, ask=None, last=None, book=False):
        def text(value, fallback):
            if isinstance(value, str):
                return value
            return decimal(fallback if value is None else value, 8 if self.name == "binance" else 2)

        last, bid, ask = text(last, market.last), text(bid, market.bid), text(ask, market.ask)
        milliseconds = market.time // 1000
        if self.name == "binance":
            if book:
                data = {"u": market.sequence, "s": market.symbol, "b": bid, "B": "31.21000000", "a": ask, "A": "40.66"}
                return {"stream": market.symbol.lower() + "@bookTicker", "data": data}
            data = {"e": "24hrTicker", "E": milliseconds + 36, "s": market.symbol, "p": "-188.18000000",
                    "P": "-0.159", "w": "1000.00000000", "x": "998.00000000", "c": last, "Q": "0.00731000", "b": bid,
                    "B": "7.15931000", "a": ask, "A": "0.09592000", "o": "1001.00000000", "h": "99999.00000000",
                    "l": "1.00000000", "v": "14741.41491000", "q": "1744744445.80640740", "O": 0, "C": milliseconds,
                    "F": 1, "L": 2, "n": 3}
            return {"stream": market.symbol.lower() + "@ticker", "data": data}
        if self.name == "coinbase":
            return {"type": "ticker", "sequence": market.sequence, "product_id": market.symbol, "price": last,
                    "open_24h": "22308.13", "volume_24h": "470.21123644", "low_24h": "22150", "high_24h": "22495.15",
                    "volume_30d": "25713.98401605", "best_bid": bid, "best_bid_size": "0.10647825", "best_ask": ask,
                    "best_ask_size": "0.03131702", "side": "sell", "time": rfc3339(market.time), "trade_id": 11586478,
                    "last_size": "0.00352175"}
        if self.name == "coinbase-advanced":
            self.count += 1
            ticker = {"type": "ticker", "product_id": market.symbol, "price": last, "volume_24_h": "16038.28770938",
                      "low_24_h": "21835.29", "high_24_h": "23011.18", "low_52_w": "15460", "high_52_w": "48240",
                      "price_percent_chg_24_h": "-4.15775596190603", "best_bid": bid, "best_bid_quantity": "0.1",
                      "best_ask": ask, "best_ask_quantity": "0.2"}
            return {"channel": "ticker", "client_id": "", "timestamp": rfc3339(market.time)[:-1] + "123Z",
                    "sequence_num": self.count, "events": [{"type": "update", "tickers": [ticker]}]}
        number = Number
        item = {"symbol": market.symbol, "bid": number(bid), "bid_qty": number("0.01362603"), "ask": number(ask),
                "ask_qty": number("17.17988863"), "last": number(last), "volume": number("2158.32346723"),
                "vwap": number("108894.5"), "low": number("106824"), "high": number("111300"),
                "change": number("-2679.9"), "change_pct": number("-2.41")}
        return {"channel": "ticker", "type": "update", "data": [item]}

    def heartbeat(self, symbols):
        if self.name == "coinbase":
            return [{"type": "heartbeat", "sequence": 90, "last_trade_id": 20, "product_id": symbol,
                     "time": rfc3339(int(time.time() * 1_000_000))} for symbol in symbols]
        if self.name == "coinbase-advanced":
            self.count += 1
            return [{"channel": "heartbeats", "client_id": "", "timestamp": rfc3339(int(time.time() * 1_000_000)),
                     "sequence_num": self.count, "events": [{"current_time": "now", "heartbeat_counter": 1}]}]
        if self.name == "kraken":
            return [{"channel": "heartbeat"}]
        return []

    def answer(self, market):
        """REST, of one market."""
        last, bid, ask = (decimal(v, 8) for v in (market.last, market.bid, market.ask))
        if self.name == "binance":
            return {"symbol": market.symbol, "priceChange": "-188.18000000", "priceChangePercent": "-0.159",
                    "weightedAvgPrice": "1000.00000000", "prevClosePrice": "998.00000000", "lastPrice": last,
                    "lastQty": "0.00731000", "bidPrice": bid, "bidQty": "7.15931000", "askPrice": ask,
                    "askQty": "0.09592000", "openPrice": "1001.00000000", "highPrice": "99999.00000000",
                    "lowPrice": "1.00000000", "volume": "14741.41491000", "quoteVolume": "1744744445.80640740",
                    "openTime": 1, "closeTime": market.time // 1000, "firstId": 1, "lastId": 2, "count": 3}
        if self.name == "coinbase":
            return {"trade_id": 843439, "price": last, "size": "80.29769", "time": rfc3339(market.time), "bid": bid,
                    "ask": ask, "volume": "470.21123644"}
        if self.name == "coinbase-advanced":
            trade = {"trade_id": "1", "product_id": market.symbol, "price": last, "size": "4",
                     "time": rfc3339(market.time), "side": "BUY"}
            return {"trades": [trade], "best_bid": bid, "best_ask": ask}
        return {"a": [ask, "1", "1.000"], "b": [bid, "2", "2.000"], "c": [last, "0.04408910"],
                "v": ["4147.94474901", "8896.96086304"], "p": ["2456.22239", "2568.63032"], "t": [3907, 10056],
                "l": ["2302.18000", "2302.18000"], "h": ["2621.14000", "2860.01000"], "o": "2571.56000"}


class Number(float):
    """A JSON number that keeps its text."""

    def __new__(cls, text):
        try:
            number = super().__new__(cls, text)
        except ValueError:
            return text
        number.text = text
        return number

    def __repr__(self):
        return self.text




def dump(value):
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k) + ":" + dump(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dump(v) for v in value) + "]"
    return json.dumps(value)


class Socket:
    def __init__(self, exchange, reader, writer):
        self.exchange = exchange
        self.reader = reader
        self.writer = writer
        self.symbols = []
        self.book = False
        self.hasHeartbeats = False
        self.opened = time.monotonic()
        self.sent = []
        self.pings = {}

    def frame(self, opcode, payload):
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, length)
        elif length < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, length)
        # A client that reads nothing is none of a test's interest.
        if self.writer.transport.get_write_buffer_size() < 1 << 20:
            self.writer.write(head + payload)

    def say(self, value):
        self.frame(1, (value if isinstance(value, str) else dump(value)).encode())

    def ping(self):
        payload = str(random.random()).encode()
        self.pings[payload] = time.monotonic()
        self.frame(9, payload)

    def close(self, code=1001):
        self.frame(8, struct.pack("!H", code))

    def drop(self):
        self.writer.transport.abort()

    async def run(self):
        while True:
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            mask = await self.reader.readexactly(4)
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(await self.reader.readexactly(length)))
            opcode = first & 0x0F
            now = time.monotonic()
            # Pongs count at the real one, too, which pings every 20 s and not many times a second.
            self.sent = [t for t in self.sent if now - t < 1] + [now] * (opcode != 10)
            if self.exchange.dialect.name == "binance" and len(self.sent) > 5:
                self.exchange.violations += 1
                return self.drop()
            if opcode == 8:
                self.frame(8, payload[:2])
                await self.writer.drain()
                return
            if opcode == 10:
                self.exchange.pongs += self.pings.pop(payload, None) is not None
            elif opcode == 9:
                self.frame(10, payload)
            elif opcode == 1:
                self.exchange.said(self, payload.decode())


class Exchange:
    def __init__(self, dialect, seed):
        self.dialect = Dialect(dialect)
        self.chance = random.Random(seed)
        self.markets = {}
        self.sockets = []
        self.messages = []
        self.truth = []
        self.opened = self.pongs = self.violations = self.requests = self.lateSubscribers = 0
        self.settings = {"tick": 50, "moving": True, "mute": False, "rest": "ok", "handshake": "ok", "faults": {},
                         "ping": 0, "lag": 0, "retryAfter": 1, "refuse": []}

    def market(self, symbol):
        if symbol not in self.markets:
            self.markets[symbol] = Market(symbol, random.Random(f"{self.chance.random()}{symbol}"))
        return self.markets[symbol]

    def note(self, market, way):
        if len(self.truth) < MAX_KEPT:
            self.truth.append([market.symbol, market.last, market.bid, market.ask, market.sequence, market.time, way])

    # Messages of clients.

    def said(self, socket, text):
        self.messages.append(text)
        del self.messages[:-1000]
        try:
            value = json.loads(text)
        except ValueError:
            return socket.close(1007)
        name = self.dialect.name
        if self.settings["mute"]:
            return
        if name == "binance":
            if value.get("method") == "SUBSCRIBE":
                refused = [s for s in value["params"] if s.split("@")[0].upper() in self.settings["refuse"]]
                if refused:
                    return socket.say({"error": {"code": 2, "msg": "Invalid request: " + refused[0]}, "id": value["id"]})
                for stream in value["params"]:
                    symbol, _, kind = stream.partition("@")
                    socket.book |= kind == "bookTicker"
                    self.subscribe(socket, symbol.upper())
                socket.say({"result": None, "id": value["id"]})
            elif value.get("method") == "LIST_SUBSCRIPTIONS":
                socket.say({"result": [], "id": value["id"]})
        elif name == "coinbase":
            socket.hasHeartbeats |= "heartbeat" in value["channels"]
            bad = [s for s in value["product_ids"] if s in self.settings["refuse"]]
            if bad:
                return socket.say({"type": "error", "message": "Failed to subscribe", "reason": f"{bad[0]} is not valid"})
            for symbol in value["product_ids"]:
                self.subscribe(socket, symbol)
            channels = [{"name": c, "product_ids": value["product_ids"]} for c in value["channels"]]
            socket.say({"type": "subscriptions", "channels": channels})
        elif name == "coinbase-advanced":
            if value["channel"] == "heartbeats":
                socket.hasHeartbeats = True
            else:
                for symbol in value["product_ids"]:
                    self.subscribe(socket, symbol)
                    # What the real one has been seen to send first.
                    empty = self.dialect.ticker(self.market(symbol), "", "", "")
                    socket.say(empty)
            socket.say({"channel": "subscriptions", "client_id": "", "timestamp": "", "sequence_num": 0, "events": []})
        elif value.get("method") == "subscribe":
            for symbol in value["params"]["symbol"]:
                if symbol in self.settings["refuse"]:
                    socket.say({"error": "Currency pair not supported " + symbol, "method": "subscribe",
                                "success": False, "symbol": symbol, "req_id": value["req_id"]})
                    continue
                result = {"channel": "ticker", "snapshot": True, "symbol": symbol}
                socket.say({"method": "subscribe", "result": result, "success": True, "req_id": value["req_id"]})
                self.subscribe(socket, symbol)
        elif value.get("method") == "ping":
            socket.say({"method": "pong", "req_id": value["req_id"]})

    def subscribe(self, socket, symbol):
        if symbol not in socket.symbols:
            socket.symbols.append(symbol)
        self.send(socket, self.market(symbol))

    def send(self, socket, market):
        self.note(market, "ws")
        socket.say(self.dialect.ticker(market))
        if socket.book:
            socket.say(self.dialect.ticker(market, book=True))

    # Time.

    async def run(self):
        lastBeat = lastPing = time.monotonic()
        while True:
            await asyncio.sleep(self.settings["tick"] / 1000)
            now = time.monotonic()
            if self.settings["moving"]:
                self.move()
            if self.settings["ping"] and now - lastPing >= self.settings["ping"] / 1000:
                lastPing = now
                for socket in self.sockets:
                    socket.ping()
            if now - lastBeat >= 0.5 and not self.settings["mute"]:
                lastBeat = now
                for socket in self.sockets:
                    if socket.hasHeartbeats or self.dialect.name == "kraken":
                        for message in self.dialect.heartbeat(socket.symbols):
                            socket.say(message)
            for socket in list(self.sockets):
                # Coinbase closes who does not subscribe within 5 s, Advanced Trade who asks for no heartbeats.
                limit = {"coinbase": 5, "coinbase-advanced": 3}.get(self.dialect.name)
                isWanted = socket.symbols if self.dialect.name == "coinbase" else socket.hasHeartbeats
                if limit and not isWanted and now - socket.opened > limit and not self.settings["mute"]:
                    self.lateSubscribers += 1
                    socket.close(1000)
                    socket.opened = now

    def move(self):
        faults = self.settings["faults"]

        def happens(name):
            return self.chance.random() < faults.get(name, 0)

        for market in self.markets.values():
            before = market.copy()
            market.moved()
            if self.settings["mute"]:
                continue
            for socket in self.sockets:
                if market.symbol not in socket.symbols:
                    continue
                if happens("garbage"):
                    socket.say(self.chance.choice(["{", "[]", "null", '{"a":', "\"x\"", "{}", "nothing", '{"e":5}']))
                if happens("crossed"):
                    socket.say(self.dialect.ticker(market, bid=market.ask + 1, ask=market.bid))
                if happens("empty"):
                    socket.say(self.dialect.ticker(market, "", "", ""))
                if happens("zero"):
                    socket.say(self.dialect.ticker(market, last=0))
                if happens("drop"):
                    socket.drop()
                    continue
                self.send(socket, market)
                if happens("late") and self.dialect.name != "kraken":
                    socket.say(self.dialect.ticker(before))
                if happens("twice"):
                    socket.say(self.dialect.ticker(market))

    # Connections.

    async def accept(self, reader, writer):
        socket = None
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                fields = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                if fields.get("upgrade", "").lower() == "websocket":
                    mode = self.settings["handshake"]
                    if mode == "hang":
                        await asyncio.sleep(3600)
                    if mode == "close":
                        return
                    if mode != "ok":
                        return await self.respond(writer, int(mode), b"", close=True)
                    accept = base64.b64encode(hashlib.sha1(fields["sec-websocket-key"].encode() + GUID).digest())
                    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                    socket = Socket(self, reader, writer)
                    self.sockets.append(socket)
                    self.opened += 1
                    if self.dialect.name == "kraken":
                        socket.say({"channel": "status", "type": "update", "data": [{"system": "online"}]})
                    return await socket.run()
                if target == "/control":
                    answer = await self.control(json.loads(body))
                    await self.respond(writer, 200, json.dumps(answer).encode())
                elif not await self.rest(writer, target):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            if socket in self.sockets:
                self.sockets.remove(socket)
            writer.close()

    async def respond(self, writer, status, body, close=False):
        extra = f"Retry-After: {self.settings['retryAfter']}\r\n" if status in (418, 429, 503) else ""
        if close:
            extra += "Connection: close\r\n"
        head = f"HTTP/1.1 {status} X\r\n{extra}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    async def rest(self, writer, target):
        self.requests += 1
        mode = self.settings["rest"]
        faults = self.settings["faults"]
        for name in ("429", "500", "html", "hang", "close"):
            if self.chance.random() < faults.get("rest" + name, 0):
                mode = name
        if mode == "hang":
            await asyncio.sleep(3600)
        if mode == "close":
            return False
        if mode == "html":
            await self.respond(writer, 200, b"<html>welcome</html>")
            return True
        if mode != "ok":
            isLimit = mode in ("429", "418")
            words = b'"code":-1003,"msg":"Too many requests"' if isLimit else b'"code":-2015,"msg":"not for you"'
            await self.respond(writer, int(mode), b"{" + words + b',"message":"no"}')
            return True
        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query))
        refused = self.settings["refuse"]

        def answer(symbol):
            market = self.market(symbol)
            self.note(market, "rest")
            return self.dialect.answer(market)

        status, body = 200, None
        name = self.dialect.name
        if name == "binance" and url.path == "/api/v3/ticker/24hr":
            symbols = json.loads(query["symbols"]) if "symbols" in query else [query["symbol"]]
            if any(s in refused for s in symbols):
                status, body = 400, {"code": -1121, "msg": "Invalid symbol."}
            else:
                body = [answer(s) for s in symbols] if "symbols" in query else answer(symbols[0])
        elif name.startswith("coinbase") and "/products/" in url.path:
            symbol = url.path.split("/products/")[1].split("/")[0]
            status, body = (404, {"message": "NotFound"}) if symbol in refused else (200, answer(symbol))
        elif name == "kraken" and url.path == "/0/public/Ticker":
            result, errors = {}, []
            for asked in query["pair"].split(","):
                base, quote = asked[:3], asked[3:]
                symbol = {"XBT": "BTC", "XDG": "DOGE"}.get(base, base) + "/" + quote
                if symbol in refused:
                    errors.append("EQuery:Unknown asset pair")
                    continue
                old = base in ("XBT", "ETH", "XDG", "LTC") and quote in ("USD", "EUR")
                result["X" + base + "Z" + quote if old else asked] = answer(symbol)
            body = {"error": errors} if errors else {"error": [], "result": result}
        else:
            status, body = 404, {"message": "no such path"}
        await self.respond(writer, status, dump(body).encode())
        return True

    async def control(self, request):
        do = request.pop("do")
        if do == "set":
            self.settings.update(request)
        elif do == "move":
            self.move()
        elif do == "drop":
            for socket in list(self.sockets):
                socket.drop()
        elif do == "close":
            for socket in list(self.sockets):
                socket.close(request.get("code", 1001))
        elif do == "shutdown":
            old = list(self.sockets)
            for socket in old:
                socket.say({"e": "serverShutdown", "E": int(time.time() * 1000)})
            asyncio.get_running_loop().call_later(request["after"] / 1000, lambda: [s.close() for s in old])
        elif do == "say":
            for socket in self.sockets:
                socket.say(request["text"])
        elif do == "play":
            return await self.play(request["path"], request["lines"])
        elif do == "truth":
            return self.truth
        return {"sockets": len(self.sockets), "opened": self.opened, "pongs": self.pongs, "requests": self.requests,
                "violations": self.violations, "late": self.lateSubscribers, "messages": self.messages[-20:],
                "subscribed": sum(len(s.symbols) for s in self.sockets),
                "last": {s: decimal(m.last, 2) for s, m in self.markets.items()}}

    async def play(self, path, lines):
        """Sends the messages of a recording, `<seconds>: <JSON>` a line, as fast as they are taken."""
        count = 0
        with open(path, encoding="utf-8") as file:
            for line in file:
                head, _, text = line.rstrip("\n").partition(": ")
                if not head.replace(".", "").isdigit() or count == lines:
                    continue
                count += 1
                for socket in self.sockets:
                    socket.writer.write(b"")
                    socket.say(text)
                    await socket.writer.drain()
        return {"count": count}


async def main():
    exchange = Exchange(sys.argv[1], int(sys.argv[2]))
    server = await asyncio.start_server(exchange.accept, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    # Ends with whoever started it.
    ended = loop.run_in_executor(None, sys.stdin.buffer.read)
    running = loop.create_task(exchange.run())
    await asyncio.wait([ended, running], return_when=asyncio.FIRST_COMPLETED)
    os._exit(0)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
